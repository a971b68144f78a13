/** Commands that only affect this machine: settings and completion. */
import type { Command } from "../command.js";
import { completionScript, SHELLS } from "../completion-scripts.js";
import { UsageError } from "../exit-codes.js";
import { namespaceOf } from "../service-bus.js";
import { DEFAULTS, endpointOf, readSettings, settingsFile, writeSettings } from "../settings.js";
import { VERSION } from "../version.js";

export const OWN_COMMANDS: readonly Command[] = [
  {
    words: "configure",
    summary: "Save the address of Sigil and default values",
    description: "Without options, prints the saved values. An empty value removes a saved value.",
    options: [
      {
        names: ["--endpoint"],
        help: "URL of the function app: https://….azurewebsites.net.",
      },
      {
        names: ["--scope"],
        help: "Scope of the access token: api://{application id}/.default.",
      },
      {
        names: ["--service-bus"],
        help: "Service Bus namespace of the events: ….servicebus.windows.net.",
      },
      {
        names: ["--defaults", "-d"],
        kind: "list",
        help: `Default values, each as name=value. Names: ${DEFAULTS.join(", ")}.`,
      },
    ],
    examples: [
      [
        "Set up a machine",
        "sigil configure --endpoint https://sigil.azurewebsites.net --scope api://00000000-0000-0000-0000-000000000000/.default",
      ],
      [
        "Set a default gallery",
        "sigil configure --defaults group=MyResourceGroup gallery=MyGallery",
      ],
    ],
    run({ io, values, note }) {
      const { environment } = io;
      const settings: Record<string, string> = {
        ...readSettings(environment),
      };
      const change = (name: string, value: string | undefined): void => {
        if (value === "") delete settings[name];
        else if (value !== undefined) settings[name] = value;
      };
      const endpoint = values.text("--endpoint");
      if (endpoint) endpointOf(endpoint, {}, {});
      change("endpoint", endpoint);
      change("scope", values.text("--scope"));
      const serviceBus = values.text("--service-bus");
      if (serviceBus) namespaceOf(serviceBus);
      change("serviceBus", serviceBus);
      for (const each of values.list("--defaults") ?? []) {
        const [, name, value] = /^(\w+)=(.*)$/u.exec(each) ?? [];
        if (!(DEFAULTS as readonly (string | undefined)[]).includes(name))
          throw new UsageError(
            `--defaults takes name=value of ${DEFAULTS.join(", ")}; not "${each}".`,
          );
        change(name ?? "", value);
      }
      if (
        ["--endpoint", "--scope", "--service-bus", "--defaults"].some((each) => values.has(each))
      ) {
        writeSettings(settings, environment);
        note(`Kept in ${settingsFile(environment)}.`);
      }
      return Promise.resolve({ data: settings });
    },
  },
  {
    words: "version",
    summary: "Show the version of sigil",
    options: [],
    run: () => Promise.resolve({ data: { sigil: VERSION } }),
  },
  {
    words: "completion",
    summary: "Print a shell script that completes commands and options of sigil",
    options: [],
    positional: {
      name: "SHELL",
      help: `One of ${SHELLS.join(", ")}.`,
      required: true,
    },
    examples: [
      ["bash", `eval "$(sigil completion bash)"`],
      ["zsh", `eval "$(sigil completion zsh)"`],
      ["fish", "sigil completion fish | source"],
      ["PowerShell", "sigil completion powershell | Out-String | Invoke-Expression"],
    ],
    run({ io, values }) {
      const [shell = ""] = values.positionals;
      const script = completionScript(shell);
      if (script === undefined)
        throw new UsageError(`SHELL is one of ${SHELLS.join(", ")}, not "${shell}".`);
      io.stdout.write(script);
      return Promise.resolve({});
    },
  },
];

/** Prints findings for people, and for a build's log at the line of the file. */
import type { Schemas } from "@sigil/client";
import type { Place, Places } from "./body-file.js";
import { oneLine, Own, type Build, type Part } from "./harmless.js";
import type { Column } from "./output.js";
import { inCommands } from "./words.js";

export type Finding = Schemas["Finding"];

export const FINDING_COLUMNS: readonly Column[] = [
  { title: "Severity", of: ({ severity }: Finding) => severity ?? "error" },
  { title: "Code", of: ({ code }: Finding) => code },
  {
    title: "Message",
    of: ({ message, remediation, pointer }: Finding) =>
      inCommands([message, remediation, pointer && `(${pointer})`].filter(Boolean).join(" ")),
  },
];

/** Each finding on its own lines: what is wrong, where, and the fix. */
export async function describeFindings(
  findings: readonly Finding[],
  places: Places | undefined,
): Promise<readonly string[]> {
  const lines = await Promise.all(
    findings.map(async ({ severity = "error", code, pointer, message, remediation }) => {
      const place = await places?.(pointer);
      const where = place ? `${place.file}:${place.line}` : pointer;
      return [
        `${severity}: ${message}`,
        `  ${code}${where === "" ? "" : ` at ${where}`}`,
        ...(remediation === undefined ? [] : [`  ${remediation}`]),
      ];
    }),
  );
  return lines.flat();
}

/** Lines that a build shows as annotations. */
export async function annotations(
  build: Build,
  findings: readonly Finding[],
  places: Places | undefined,
): Promise<readonly (readonly Part[])[]> {
  return Promise.all(
    findings.map(async (finding) => {
      const { severity = "error", code, pointer, remediation } = finding;
      const message = inCommands([finding.message, remediation].filter(Boolean).join("\n"));
      const place = await places?.(pointer);
      return build === "github"
        ? gitHub(severity, code, message, place)
        : azureDevOps(severity, code, message, place);
    }),
  );
}

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
function gitHub(
  severity: string,
  code: string,
  message: string,
  place: Place | undefined,
): readonly Part[] {
  const command = severity === "info" ? "notice" : severity;
  const data = (text: string): string =>
    text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  const property = (text: string): string =>
    data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
  const properties = {
    ...(place && { file: place.file, line: String(place.line) }),
    title: code,
  };
  const named = Object.entries(properties).map(([name, value]) => `${name}=${property(value)}`);
  return [
    new Own(`::${COMMANDS.includes(command) ? command : "error"} `),
    named.join(","),
    new Own("::"),
    data(message),
  ];
}

const COMMANDS = ["error", "warning", "notice"];

/** https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands */
function azureDevOps(
  severity: string,
  code: string,
  message: string,
  place: Place | undefined,
): readonly Part[] {
  if (severity === "info") return [oneLine(`${code}: ${message}`)];
  const property = (text: string): string =>
    text
      .replaceAll("%", "%AZP25")
      .replaceAll(";", "%3B")
      .replaceAll("]", "%5D")
      .replaceAll("\r", "%0D")
      .replaceAll("\n", "%0A");
  const properties = {
    type: severity,
    ...(place && { sourcepath: place.file, linenumber: String(place.line) }),
    code,
  };
  const named = Object.entries(properties).map(([name, value]) => `${name}=${property(value)}`);
  return [
    new Own("##vso[task.logissue "),
    named.join(";"),
    new Own("]"),
    message.replaceAll("%", "%AZP25").replaceAll("\n", "%0A"),
  ];
}

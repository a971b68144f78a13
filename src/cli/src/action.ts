import type { Operation } from "@sigil/client";
import { EXIT_CODES } from "./exit-codes.js";
import { harmless, oneLine } from "./harmless.js";
import type { Environment, ProcessIo } from "./io.js";
import { versionOf, wordsOf } from "./progress.js";
import { run } from "./run.js";

interface ActionDependencies {
  readonly io: ProcessIo;
  /** Appends to a file that GitHub reads after the step. */
  readonly append: (file: string, text: string) => void;
}

interface Outcome {
  readonly operation: string;
  readonly version: string;
  readonly resourceId: string;
  readonly title: string;
  readonly regions: readonly Operation["regions"][number][];
}

/** Runs the action; returns the command line's exit code. */
export async function runAction({ io, append: appendAsIs }: ActionDependencies): Promise<number> {
  const append: ActionDependencies["append"] = (file, text) =>
    appendAsIs(file, harmless(text, "github"));
  const input = inputsOf(io.environment);
  const environment = {
    ...io.environment,
    ...settingsOf(input),
    // A reader of the log is not a terminal.
    NO_COLOR: "1",
  };
  const sigil = async (...args: readonly string[]): Promise<readonly [number, unknown]> => {
    let stdout = "";
    const code = await run(args, {
      ...io,
      environment,
      stdout: { write: (text) => (stdout += text) },
    });
    return [code, stdout === "" ? undefined : JSON.parse(stdout)];
  };
  const place = argumentsOf(input);
  if (input("plan-only") === "true") {
    const number = input("version") ?? "0.0.0";
    const [code, plan] = await sigil(
      ...["image-version", "plan", ...place, "-e", number, "-o", "json"],
    );
    summarize(append, environment, planSummary(plan));
    return code;
  }
  const [code, accepted] = await sigil(
    ...["image-version", "create", ...place, ...numberOf(input), "--no-wait"],
  );
  if (code !== EXIT_CODES.done[0]) return code;
  const { id, resourceId } = accepted as Operation;
  let end: number = code;
  if (input("wait") !== "false") {
    const timeout = input("timeout");
    [end] = await sigil(
      ...["operation", "watch", id, "-o", "none"],
      ...(timeout === undefined ? [] : ["--timeout", timeout]),
    );
  }
  const [, shown = accepted] = await sigil("operation", "show", id);
  const now = shown as Operation;
  tell(append, environment, {
    operation: id,
    version: resourceId.split("/").at(-1) ?? "",
    resourceId,
    title: `${versionOf(now)}: ${wordsOf(now)}, ${now.status}`,
    regions: now.regions,
  });
  return end;
}

type Input = (name: string) => string | undefined;

/** The action's inputs. GitHub sets `client-id` as INPUT_CLIENT-ID. */
function inputsOf(environment: Environment): Input {
  return (name) => environment[`INPUT_${name.toUpperCase()}`]?.trim() || undefined;
}

function settingsOf(input: Input): Record<string, string> {
  const settings = {
    SIGIL_ENDPOINT: input("endpoint"),
    SIGIL_SCOPE: input("scope"),
    SIGIL_ACCESS_TOKEN: input("access-token"),
    SIGIL_SUBSCRIPTION: input("subscription"),
    AZURE_TENANT_ID: input("tenant-id"),
    AZURE_CLIENT_ID: input("client-id"),
  };
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

function argumentsOf(input: Input): readonly string[] {
  const options: readonly (readonly [option: string, input: string])[] = [
    ["--resource-group", "resource-group"],
    ["--gallery-name", "gallery"],
    ["--gallery-image-definition", "image-definition"],
    ["--file", "file"],
    ["--promote-when", "promote-when"],
  ];
  const more = input("arguments")?.split(/\s+/u) ?? [];
  return [
    ...options.flatMap(([option, name]) => {
      const value = input(name);
      return value === undefined ? [] : [option, value];
    }),
    ...more,
  ];
}

function numberOf(input: Input): readonly string[] {
  const version = input("version");
  const key = input("idempotency-key");
  return [
    ...(version === undefined
      ? ["--increment", input("increment") ?? "patch"]
      : ["--gallery-image-version", version]),
    ...(key === undefined ? [] : ["--idempotency-key", key]),
  ];
}

function tell(
  append: ActionDependencies["append"],
  environment: Environment,
  { operation, version, resourceId, title, regions }: Outcome,
): void {
  const outputs = {
    operation,
    version,
    "resource-id": resourceId,
    regions: JSON.stringify(regions),
  };
  const file = environment["GITHUB_OUTPUT"];
  if (file)
    append(
      file,
      Object.entries(outputs)
        .map(([name, value]) => `${name}=${oneLine(value)}\n`)
        .join(""),
    );
  summarize(append, environment, [
    `### ${oneLine(title)}`,
    "",
    "| region | state | progress | attempts |",
    "| --- | --- | --- | --- |",
    ...regions.map(({ name, state, progress, attempts }) =>
      row(name, state === "Completed" ? "usable" : state, `${progress} %`, String(attempts)),
    ),
  ]);
}

function planSummary(plan: unknown): readonly string[] {
  const { findings = [] } = (plan ?? {}) as {
    readonly findings?: readonly {
      readonly severity: string;
      readonly code: string;
      readonly message: string;
    }[];
  };
  return [
    `### Plan: ${findings.length} ${findings.length === 1 ? "finding" : "findings"}`,
    "",
    "| severity | code | message |",
    "| --- | --- | --- |",
    ...findings.map(({ severity, code, message }) => row(severity, code, message)),
  ];
}

/** A row of a Markdown table. */
function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => oneLine(cell).replaceAll("|", "\\|")).join(" | ")} |`;
}

function summarize(
  append: ActionDependencies["append"],
  environment: Environment,
  lines: readonly string[],
): void {
  const file = environment["GITHUB_STEP_SUMMARY"];
  if (file) append(file, `${lines.join("\n")}\n\n`);
}

/** The messages and exit code of a failed command. */
import {
  ForbiddenError,
  isUnavailable,
  NotSignedInError,
  OperationCanceledError,
  OperationFailedError,
  ProblemError,
} from "@sigil/client";
import type { Places } from "./body-file.js";
import { COMMANDS, GROUPS } from "./commands/all.js";
import { Ended, UsageError, type Outcome } from "./exit-codes.js";
import { describeFindings, type Finding } from "./findings.js";

/** Each line is printed separately: a line break within one comes from a foreign text. */
type Failure = readonly [Outcome, lines: readonly string[], readonly Finding[]];

export async function failureOf(
  error: unknown,
  verbose: boolean,
  args: readonly string[],
  places?: Places,
): Promise<Failure> {
  if (error instanceof UsageError) {
    return ["usage", [...error.lines, `(For help: sigil ${wordsIn(args)}--help)`], []];
  }
  if (error instanceof Ended) return [error.outcome, error.lines, []];
  if (error instanceof OperationFailedError) return failedOperation(error, places);
  if (error instanceof OperationCanceledError) {
    const { canceledBy } = error.operation;
    const by = canceledBy?.name ?? canceledBy?.appId;
    return [
      "canceled",
      [`${error.message.replace(/\.$/u, "")}${by === undefined ? "" : ` by ${by}`}.`],
      [],
    ];
  }
  if (error instanceof ProblemError) {
    const lines = [
      `${error.problem.title ?? "Refused"}: ${error.message}`,
      ...(await describeFindings(error.errors, places)),
      ...(verbose && error.requestId ? [`Request ${error.requestId}`] : []),
    ];
    return [refusedBy(error), lines, error.errors];
  }
  if (isUnavailable(error)) return ["unavailable", [(error as Error).message], []];
  if ((error as Error).name === "AbortError") return ["interrupted", ["Interrupted."], []];
  const { stack, message } = error as Error;
  return [
    "failed",
    verbose ? (stack ?? message).split("\n") : [message, "(--verbose shows where.)"],
    [],
  ];
}

async function failedOperation(
  error: OperationFailedError,
  places: Places | undefined,
): Promise<Failure> {
  const { id, regions, error: reason } = error.operation;
  // A test without a result does not fail the version.
  const outcome: Outcome = reason?.code === "TestInconclusive" ? "inconclusive" : "failed";
  const lines = [
    `${outcome === "failed" ? "Failed" : "Inconclusive"}: ${error.message}`,
    ...(await describeFindings(reason?.errors ?? [], places)),
    ...regions
      .filter(({ state }) => state === "Failed")
      .map(({ name, details }) => `  ${name}: ${details ?? "failed"}`),
    `sigil operation show ${id} shows all details.`,
  ];
  return [outcome, lines, reason?.errors ?? []];
}

function refusedBy(error: ProblemError): Outcome {
  if (error instanceof NotSignedInError || error instanceof ForbiddenError) return "notAllowed";
  if (isUnavailable(error)) return "unavailable";
  return error.status < 500 ? "refused" : "failed";
}

/** The command or group at the start of a line, and a space; empty if there is none. */
function wordsIn(args: readonly string[]): string {
  const line = `${args.slice(0, 2).join(" ")} `;
  const names = [...COMMANDS.map(({ words }) => words), ...Object.keys(GROUPS)];
  const name = names.find((each) => line.startsWith(`${each} `));
  return name === undefined ? "" : `${name} `;
}

/** Waits for operations until they end, `--timeout` expires, or the user presses Ctrl-C. */
import { hasEnded, waitUntilReady, type Operation } from "@sigil/client";
import type { Context } from "./command.js";
import { Ended } from "./exit-codes.js";
import type { Option } from "./options.js";

/** The longest timer in Node.js: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

export const TIMEOUT: Option = {
  names: ["--timeout"],
  kind: "number",
  help: "Maximum number of seconds to wait. Then the exit code is 5, and the work continues.",
};

export const WAIT_OPTIONS: readonly Option[] = [
  {
    names: ["--no-wait"],
    kind: "flag",
    help: "Do not wait. Print the operation as soon as it is accepted.",
  },
  TIMEOUT,
];

/**
 * Waits for an operation unless `--no-wait` is given, and resolves with its last state. Throws the
 * client's errors if it failed or was canceled, and `Ended` if the wait ends first.
 */
export async function follow(context: Context, operation: Operation): Promise<Operation> {
  const { values, note } = context;
  for (const { severity = "warning", message } of operation.warnings ?? [])
    note(`${severity}: ${message}`);
  if (values.boolean("--no-wait") === true) {
    if (!hasEnded(operation)) note(`Accepted. To follow it: ${watchLine([operation.id])}`);
    return operation;
  }
  const [ended = operation] = await followAll(context, [operation]);
  return ended;
}

/**
 * Waits for all of them to end, or until `until` holds, then throws the error of the first that did
 * not succeed.
 */
export async function followAll(
  { client, io, values, note, progress }: Context,
  operations: readonly (Operation | string)[],
  until?: (operation: Operation) => boolean,
): Promise<readonly Operation[]> {
  const open = new Set(operations.map((each) => (typeof each === "string" ? each : each.id)));
  const lookAgain = (): string => `To look again: ${watchLine([...open])}`;
  const stop = new AbortController();
  let isAway = false;
  const seconds = values.number("--timeout");
  const interrupt = (): void =>
    stop.abort(
      new Ended("interrupted", `No longer waiting. Sigil and Azure go on. ${lookAgain()}`),
    );
  io.interrupted.addEventListener("abort", interrupt, { once: true });
  if (io.interrupted.aborted) interrupt();
  if (seconds !== undefined)
    void io
      .sleep(Math.min(seconds * 1000, LONGEST_MS), stop.signal)
      .then(() =>
        stop.abort(
          new Ended(
            "timedOut",
            `Not done within ${seconds} s. Sigil and Azure go on. ${lookAgain()}`,
          ),
        ),
      )
      .catch(() => undefined); // no longer waiting
  try {
    const ends = await Promise.allSettled(
      operations.map((operation) =>
        waitUntilReady(client, operation, {
          signal: stop.signal,
          until,
          sleep: (ms, signal = stop.signal) => io.sleep(ms, signal),
          onProgress: (now) => {
            isAway = false;
            if (hasEnded(now)) open.delete(now.id);
            progress(now);
          },
          onUnavailable: ({ message }) => {
            if (!isAway) note(`${message.replace(/\.?$/u, ".")} Asking again.`);
            isAway = true;
          },
        }),
      ),
    );
    stop.signal.throwIfAborted();
    return ends.map((end) => {
      if (end.status === "rejected") throw end.reason;
      return end.value;
    });
  } finally {
    io.interrupted.removeEventListener("abort", interrupt);
    stop.abort();
  }
}

export function watchLine(operationIds: readonly string[]): string {
  return `sigil operation watch ${operationIds.join(" ")}`;
}

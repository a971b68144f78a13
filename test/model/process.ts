import { ServiceError } from "../../src/errors.js";
import type { Look } from "./look.js";
import type { Accepted } from "./ledger.js";

/** How a process fails at a port call: it is killed, or gets no answer; before the call takes effect, or after. */
export type FailureKind =
  | "killed before"
  | "killed after"
  | "unavailable before"
  | "unavailable after"
  /** Of a commit: done, and answered as if another had come first. */
  | "answer lost";

export interface Failure {
  /** Number of the call that fails among those that have an effect, from 1. */
  readonly at: number;
  readonly kind: FailureKind;
}

/** Thrown by every port of a process that was killed. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/** One invocation: it calls ports, and may die at any of them. What it has seen and stored is what it may be judged by. */
export interface Process {
  readonly name: string;
  readonly failure: Failure | undefined;
  /** Where each call waits for its turn; absent where nothing runs beside. */
  turn?: () => Promise<void>;
  effects: number;
  dead: boolean;
  /** The last look at each version. */
  readonly looks: Map<string, Look>;
  /** What it stored last. */
  stored?: {
    readonly operationId: string;
    readonly step: number;
    readonly state: string;
    /** Operations of its version that had not ended then. */
    readonly open: readonly Accepted[];
  };
}

export function newProcess(name: string, failure?: Failure): Process {
  return { name, failure, effects: 0, dead: false, looks: new Map() };
}

/** Runs processes to their ends; of several, `schedule` says in turn whose port call is next. */
export async function runBeside(
  processes: readonly Process[],
  run: (process: Process, i: number) => Promise<void>,
  schedule: readonly number[],
): Promise<void> {
  const waiting = processes.map((): (() => void)[] => []);
  let left = processes.length;
  const running = processes.map((process, i) => {
    if (processes.length > 1)
      process.turn = () => new Promise((resolve) => waiting[i]?.push(resolve));
    return run(process, i).finally(() => {
      left -= 1;
    });
  });
  for (let turn = 0; processes.length > 1 && left > 0; turn += 1) {
    // Everything that needs no port has happened before the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    const ready = waiting.filter((calls) => calls.length > 0);
    const chosen = schedule[turn % Math.max(1, schedule.length)] ?? 0;
    ready[chosen % Math.max(1, ready.length)]?.shift()?.();
  }
  await Promise.all(running);
}

/** A read leaves no effect: to die before or after it is to die after the call before. */
const READS =
  /^(?:read|readOperation|page|findDead|preview\w+|get\w+|list\w+)$/u;

/** The port as this process calls it. */
export function portOf<P extends object>(
  process: Process,
  port: string,
  target: P,
  log: (text: string) => void,
): P {
  return new Proxy(target, {
    get(_, method) {
      const member: unknown = Reflect.get(target, method);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) =>
        call(
          process,
          port,
          String(method),
          () =>
            Reflect.apply(
              member as (...args: unknown[]) => Promise<unknown>,
              target,
              args,
            ),
          log,
        );
    },
  });
}

async function call(
  process: Process,
  port: string,
  method: string,
  run: () => Promise<unknown>,
  log: (text: string) => void,
): Promise<unknown> {
  await process.turn?.();
  if (process.dead) throw new Killed("the process is dead");
  if (READS.test(method)) return run();
  process.effects += 1;
  const { failure } = process;
  if (failure?.at !== process.effects) return run();
  const name = `${port}.${method}`;
  log(`${process.name}: ${failure.kind} ${name}`);
  if (!failure.kind.endsWith("before")) await run();
  if (failure.kind.startsWith("killed")) {
    process.dead = true;
    throw new Killed(`${failure.kind} ${name}`);
  }
  // The SDK sends a commit again that got no answer, and is told that the ETag is another now: its own.
  if (failure.kind === "answer lost" && name === "store.commit")
    throw new ServiceError("StateConflict", `${name}: 412.`, {
      retryAfterMs: 1_000,
    });
  throw new ServiceError(
    port === "resourceManager"
      ? "ResourceManagerUnavailable"
      : "DependencyUnavailable",
    `${name} did not answer.`,
    { retryAfterMs: 5_000 },
  );
}

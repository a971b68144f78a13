import { ServiceError } from "../../src/errors.js";
import { OPEN_SCOPE } from "../../src/operation/catalog.js";
import type { Dependencies } from "../../src/image-version/ports.js";
import type { TestDependencies } from "../../src/machine-test/ports.js";
import type { PreparationDependencies } from "../../src/subscription/ports.js";

/** How a port call fails: the process is killed there, or the service is out of reach, or a commit's answer is lost. */
export type FailureKind = "killed" | "unavailable" | "answer lost";

interface OneFailure {
  /** Number of the port call that fails, from 1. */
  readonly at: number;
  readonly kind: FailureKind;
  /** Whether the call takes effect first. */
  readonly when: "before" | "after";
}

/** Kills, each at a call that the seed chooses, one in `every`; fewer than a queue delivers a message. */
interface RandomFailures {
  readonly seed: number;
  readonly every: number;
}

export type Failure = OneFailure | RandomFailures;

/** A read leaves no effect: to die before or after it is to die after the call before. */
export function hasEffect(call: string): boolean {
  return !/\.(?:read\w*|page|find\w*|prove\w+|get\w*|list\w+)$/u.test(call);
}

const MOST_RANDOM_FAILURES = 8;

/** Thrown by every port of a process that was killed. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/** Dependencies of one process, of which one port call fails; after that it works as before. */
export interface FailingDependencies<D = Dependencies> {
  readonly deps: D;
  /** Port and method of each call so far. */
  readonly calls: readonly string[];
  /** True once the failure has happened. */
  readonly failed: () => boolean;
  /** A killed process starts again. */
  readonly restart: () => void;
}

const PORTS = [
  "store",
  "rollbacks",
  "index",
  "idempotencyKeys",
  "versionNumbers",
  "events",
  "work",
  "resourceManager",
  "resources",
  "snapshots",
  "imageUsers",
  "subscriptions",
  "machines",
  "proofs",
  "parts",
  "results",
];

/**
 * Wraps every port. `scope` sets this process's open operations apart from others', so that its reconciler looks after
 * its own alone.
 */
export function failingDependencies<
  D extends Dependencies | PreparationDependencies | TestDependencies,
>(base: D, scope: string, failure: Failure | undefined): FailingDependencies<D> {
  const calls: string[] = [];
  let failed = false;
  let dead = false;

  let failures = 0;
  const random = failure !== undefined && "seed" in failure ? numbers(failure.seed) : undefined;
  const failsNow = (): Omit<OneFailure, "at"> | undefined => {
    if (failure === undefined) return undefined;
    if ("at" in failure) return calls.length === failure.at ? failure : undefined;
    const number = random?.() ?? 0;
    if (number % failure.every !== 0 || failures >= MOST_RANDOM_FAILURES) return undefined;
    failures += 1;
    return {
      kind: "killed",
      when: number % (2 * failure.every) === 0 ? "before" : "after",
    };
  };

  const call = async (name: string, run: () => Promise<unknown>): Promise<unknown> => {
    if (dead) throw new Killed("the process is dead");
    calls.push(name);
    const failing = failsNow();
    if (failing === undefined) return await run();
    failed = true;
    if (failing.when === "after") await run();
    switch (failing.kind) {
      case "killed":
        dead = true;
        throw new Killed(`killed ${failing.when} ${name}`);
      case "unavailable":
        throw new ServiceError(
          /^(resourceManager|resources|snapshots|imageUsers|subscriptions|machines|proofs|parts)\./u.test(
            name,
          )
            ? "ResourceManagerUnavailable"
            : "DependencyUnavailable",
          `${name} did not answer.`,
          { retryAfterMs: 5_000 },
        );
      case "answer lost":
        // The SDK sends a commit again that got no answer, and is told that the ETag is another now: its own.
        throw new ServiceError("StateConflict", `${name} was answered with 412.`, {
          retryAfterMs: 1_000,
        });
    }
  };

  const ports = Object.fromEntries(
    Object.entries({ ...base, index: own(base.index, scope) }).flatMap(([port, target]) =>
      PORTS.includes(port) ? [[port, failing(port, target as object)] as const] : [],
    ),
  );

  function failing(port: string, target: object): object {
    return new Proxy(target, {
      get(_, method) {
        const member: unknown = Reflect.get(target, method);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) =>
          call(`${port}.${String(method)}`, () =>
            Reflect.apply(member as (...args: unknown[]) => Promise<unknown>, target, args),
          );
      },
    });
  }

  return {
    deps: { ...base, ...ports },
    calls,
    failed: () => failed,
    restart: () => {
      dead = false;
    },
  };
}

function own(index: Dependencies["index"], scope: string): Dependencies["index"] {
  const renamed = (given: string): string =>
    given === OPEN_SCOPE ? `${OPEN_SCOPE}-${scope}` : given;
  return {
    put: (rows) => index.put(rows.map((row) => ({ ...row, scope: renamed(row.scope) }))),
    remove: (rows) => index.remove(rows.map((row) => ({ ...row, scope: renamed(row.scope) }))),
    page: (given, ...rest) => index.page(renamed(given), ...rest),
  };
}

/** The same numbers for the same seed (Numerical Recipes' linear congruential generator, upper bits). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}

/** The oracle's memory: what was accepted, in order, and what each operation asks of its version. */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type { OperationRecord } from "../../src/operation/records.js";
import type { Look } from "./look.js";
import { defaultOf, saidIn, type Facts } from "./facts.js";

/** What a caller sends, as far as the oracle minds. */
export interface Command {
  readonly kind: OperationRecord["kind"];
  readonly body?: ImageVersionRequest;
  readonly removeRegions?: readonly string[];
  /** Of a PUT with If-Match: only what differs from what ARM shows is asked. */
  readonly ifMatch?: boolean;
  /** Of a PATCH: the facts that it names, and what each shall be. */
  readonly edits?: Readonly<Record<string, string | undefined>>;
}

/**
 * What an operation asks of one fact; undefined: there shall be none. `repeated`: it was applied before, and gives way to
 * others who change it. `perhaps`: it depends on what of earlier requests has been applied, which only Sigil knows.
 */
export interface Wish {
  readonly value: string | undefined;
  readonly how: "stated" | "repeated" | "perhaps";
}

export interface Accepted extends Command {
  readonly id: string;
  readonly version: string;
  /** The version's life in which it was accepted, and that in which it ended. */
  readonly life: number;
  endedLife?: number;
  readonly acceptedMs: number;
  /** How many looks at the version there had been then. */
  readonly looksBefore: number;
  readonly wishes: ReadonlyMap<string, Wish>;
  /** Regions of which the operation awaits that they are ready. */
  readonly regions: readonly string[];
  /** What ARM showed when it was accepted; absent: nothing, or nobody looked. */
  readonly shown: Facts | undefined;
  /** When it ended, and by which look. */
  endedMs?: number;
  endLook?: Look | undefined;
  /** How many changes ARM had seen then. */
  endChanges?: number;
  status: OperationRecord["status"];
  /** A caller has wished it canceled. */
  canceled: boolean;
}

export interface Ledger {
  readonly accepted: readonly Accepted[];
  find(operationId: string): Accepted | undefined;
  /** `shown`: what ARM showed when it was decided. */
  accept(
    operation: OperationRecord,
    command: Command,
    at: Pick<Accepted, "life" | "acceptedMs" | "looksBefore">,
    shown: Facts | undefined,
  ): void;
  /** Operations of a version that have not ended. */
  open(version: string): readonly Accepted[];
  /** Those of a version whose time and that of an operation overlap. */
  beside(operation: Accepted): readonly Accepted[];
  /** An operation has asked something of a version's present life, and may have achieved it. */
  isManaged(version: string, life: number): boolean;
  /** A rule of the version's present life says that it is promoted once it is ready. */
  hasRule(version: string, life: number): boolean;
}

/** What an unchanged body never undoes, for tools say it each time. */
const RESTATED = ["excluded", "endOfLife"];
/** What a body that leaves it out takes away, where it was applied. */
const CLEARED = /^(?:tag\/.*|endOfLife|guarded|opened)$/u;

export function isOpen({ status }: Pick<OperationRecord, "status">): boolean {
  return status === "NotStarted" || status === "Running";
}

export function createLedger(): Ledger {
  const accepted: Accepted[] = [];
  const open = (version: string): readonly Accepted[] =>
    accepted.filter((each) => each.version === version && isOpen(each));

  /** The values that may be applied of a fact; undefined: none. */
  const applied = (
    version: string,
    life: number,
  ): {
    valuesOf(fact: string): ReadonlySet<string | undefined>;
    readonly facts: readonly string[];
    readonly any: "yes" | "no" | "perhaps";
  } => {
    const requests = accepted.filter(
      (each) =>
        each.version === version &&
        (each.body !== undefined || each.edits !== undefined) &&
        isOf(each, life),
    );
    return {
      facts: [...new Set(requests.flatMap(({ wishes }) => [...wishes.keys()]))],
      any: requests.some(({ status }) => status === "Succeeded")
        ? "yes"
        : requests.length === 0
          ? "no"
          : "perhaps",
      valuesOf(fact) {
        const values = new Set<string | undefined>();
        for (const { wishes, status, edits } of [...requests].reverse()) {
          const wish = wishes.get(fact);
          // What a patch says of latest is decided by hand: no body is measured by it.
          if (
            wish === undefined ||
            (fact === "excluded" && edits !== undefined)
          )
            continue;
          values.add(wish.value);
          if (status === "Succeeded" && wish.how !== "perhaps") return values;
        }
        return values.add(undefined);
      },
    };
  };

  const hasCanceled = (version: string, life: number): boolean =>
    accepted.some(
      (each) => each.version === version && each.canceled && isOf(each, life),
    );

  const wishesOf = (
    { kind, body, ifMatch, edits = {}, removeRegions = [] }: Command,
    version: string,
    life: number,
    shown: Facts | undefined,
  ): Map<string, Wish> => {
    const wishes = new Map<string, Wish>();
    const state = (
      fact: string,
      value: string | undefined,
      how: Wish["how"] = "stated",
    ): void => void wishes.set(fact, { value, how });
    if (kind === "PromoteImageVersion") state("excluded", "false");
    if (kind === "DemoteImageVersion") state("excluded", "true");
    for (const [fact, value] of Object.entries(edits)) state(fact, value);
    if (body !== undefined) {
      const said = saidIn(body);
      if (ifMatch === true && shown !== undefined) {
        for (const [fact, value] of Object.entries(said))
          if (shown[fact] !== value) state(fact, value);
        for (const fact of Object.keys(shown))
          if (
            said[fact] === undefined &&
            shown[fact] !== defaultOf(fact) &&
            CLEARED.test(fact)
          )
            state(fact, defaultOf(fact));
      } else {
        const before = applied(version, life);
        for (const [fact, value] of Object.entries(said)) {
          const restated = RESTATED.includes(fact);
          const values = [...before.valuesOf(fact)].map((each) =>
            before.any === "yes" ? (each ?? defaultOf(fact)) : each,
          );
          const was = values.includes(value);
          const only = was && values.every((each) => each === value);
          if (before.any === "no" || !was)
            state(
              fact,
              value,
              before.any === "perhaps" && value === defaultOf(fact)
                ? "perhaps"
                : "stated",
            );
          // The version of a canceled creation is excluded: to say otherwise is new.
          else if (fact === "excluded" && hasCanceled(version, life))
            state(fact, value, "perhaps");
          else if (!restated) state(fact, value, only ? "repeated" : "stated");
          else if (!only) state(fact, value, "perhaps");
        }
        for (const fact of before.facts) {
          if (said[fact] !== undefined || !CLEARED.test(fact)) continue;
          const had = [...before.valuesOf(fact)].filter(
            (value) => value !== undefined && value !== defaultOf(fact),
          );
          const sure = before.valuesOf(fact).size === had.length;
          if (had.length > 0)
            state(fact, defaultOf(fact), sure ? "stated" : "perhaps");
        }
      }
    }
    for (const region of removeRegions)
      for (const fact of ["region", "replicas", "keys"])
        state(`${fact}/${region}`, undefined);
    return wishes;
  };

  return {
    accepted,
    open,
    find: (operationId) => accepted.find(({ id }) => id === operationId),
    accept(operation, command, at, shown) {
      const { id, kind, resourceId: version, status } = operation;
      accepted.push({
        ...command,
        kind,
        id,
        version,
        ...at,
        wishes: wishesOf({ ...command, kind }, version, at.life, shown),
        regions: operation.regions.map(({ name }) => name),
        shown,
        status,
        canceled: false,
      });
    },
    beside: (operation) =>
      accepted.filter(
        (each) =>
          each !== operation &&
          each.version === operation.version &&
          each.acceptedMs <= (operation.endedMs ?? Infinity) &&
          (each.endedMs ?? Infinity) >= operation.acceptedMs,
      ),
    isManaged: (version, life) => applied(version, life).any !== "no",
    hasRule: (version, life) =>
      accepted.some(
        (each) =>
          each.version === version &&
          each.body?.sigil?.promotion !== undefined &&
          isOf(each, life),
      ),
  };
}

/** The operation may have done something to that life of its version. */
export function isOf({ life, endedLife }: Accepted, other: number): boolean {
  return life <= other && other <= (endedLife ?? Infinity);
}

/** Its caller knew that life; or what was to be known of the version was not known yet. */
export function isMeantFor(
  { life, shown }: Accepted,
  present: number,
): boolean {
  return life >= present || shown === undefined;
}

/** The operation asks that this fact be so. */
export function asks(
  { wishes }: Pick<Accepted, "wishes">,
  fact: string,
  value: string | undefined,
): boolean {
  const wish = wishes.get(fact);
  return wish !== undefined && wish.value === value;
}

/**
 * What must hold, whatever happens: written from what a user is promised, not from the code. Invariants:
 *  1. Nothing wrong is written: each field that a PUT changes of what Azure was seen to have is what an open request asks, or a repair.
 *  2. What others have done in Azure, and Sigil has seen, is undone only by a request that came after it and says that field.
 *  3. Succeeded means that Azure has shown all that was asked, and each of its regions Completed.
 *  4. An operation has exactly one end, and an event that tells it.
 *  5. Without others, lost answers or failing regions every operation succeeds, but those that somebody cancels or overrules.
 *  6. In the end Azure has what has succeeded, but where later requests have said otherwise, or others, after it or unseen as it ended.
 */
import type { OperationRecord } from "../../src/operation/records.js";
import { changesBetween, regionsIn, type Facts } from "./facts.js";

/** A request as its caller means it. */
export interface Request {
  readonly id: string;
  readonly kind: string;
  readonly version: string;
  readonly atMs: number;
  /** By name; undefined: there shall be none. */
  readonly asks: ReadonlyMap<string, string | undefined>;
  /** It decides where the version is in latest. */
  readonly ofLatest: boolean;
  /** Regions that it waits for. */
  readonly regions: readonly string[];
  end?: OperationRecord;
  /** A creation that is canceled is to be in latest nowhere. */
  canceledMs?: number;
  /** What others had changed as it ended, and no answer of Azure's had shown. */
  unseen?: readonly Edit[];
}

interface Look {
  readonly atMs: number;
  readonly facts: Facts | undefined;
  /** State by region. */
  readonly regions: ReadonlyMap<string, string>;
}

interface Edit {
  readonly atMs: number;
  readonly name: string;
  readonly before: string | undefined;
  readonly value: string | undefined;
  isSeen: boolean;
}

interface Known {
  readonly looks: Look[];
  readonly edits: Edit[];
  /** Regions that a repair has taken away; true once a PUT adds them back, which may be lost. */
  readonly away: Map<string, boolean>;
  /** When others have deleted or replaced it, or Sigil has. */
  readonly ends: number[];
}

/** The last: what an operation would take out of latest is asked again right before it is sent. */
const CALM_ENDS = new Set(["Superseded", "ImageVersionGone", "RegionWouldLoseLatest"]);
const ENDS =
  /^(?:Superseded|ChangedOutside|NotShown|ReplacedOutside|ImageVersionGone|ImageVersionExists|ReplicationFailed|NotDeleted|BadRequest|ReadBackMismatch|RegionWouldLoseLatest|ResourceManager\w+|InvalidRequest)$/u;

export class Oracle {
  readonly requests: Request[] = [];
  readonly #versions = new Map<string, Known>();
  readonly #told = new Map<string, Set<string>>();
  readonly #say: (line: string) => void;
  /** What may make an operation end otherwise. */
  isDisturbed = false;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  #of(version: string): Known {
    const known = this.#versions.get(version) ?? {
      looks: [],
      edits: [],
      away: new Map<string, boolean>(),
      ends: [],
    };
    this.#versions.set(version, known);
    return known;
  }

  static #fail(why: string): never {
    throw new Error(`Wrong: ${why}`);
  }

  looked(version: string, look: Look): void {
    const known = this.#of(version);
    known.looks.push(look);
    for (const [name, isSent] of known.away)
      if (isSent && regionsIn(look.facts ?? {}).includes(name)) known.away.delete(name);
    for (const edit of known.edits)
      if (look.facts && edit.atMs <= look.atMs && look.facts[edit.name] === edit.value)
        edit.isSeen = true;
  }

  /** A look has shown the present life. */
  hasSeen(version: string): boolean {
    const { looks, ends } = this.#of(version);
    return looks.some(({ atMs, facts }) => facts !== undefined && atMs >= (ends.at(-1) ?? 0));
  }

  /** Somebody else has changed the version. */
  edited(version: string, atMs: number, before: Facts | undefined, after: Facts | undefined): void {
    const known = this.#of(version);
    this.isDisturbed = true;
    if (before === undefined || after === undefined) known.ends.push(atMs);
    for (const [name, value] of changesBetween(before ?? {}, after ?? {}))
      known.edits.push({
        atMs,
        name,
        before: before?.[name],
        value,
        isSeen: false,
      });
  }

  ended(version: string, atMs: number): void {
    this.#of(version).ends.push(atMs);
  }

  /** Invariants 1 and 2. */
  put(version: string, body: Facts, atMs: number): void {
    const known = this.#of(version);
    const last = known.looks.at(-1);
    const open = this.requests.filter((one) => one.version === version && one.end === undefined);
    if (last?.facts === undefined) {
      if (!open.some(({ kind }) => kind === "put"))
        Oracle.#fail(`${version} is created, and nobody has asked for it`);
      return;
    }
    const seen = last.facts;
    for (const [name, value] of changesBetween(seen, body)) {
      // How a region that stays out says so is no matter.
      if (name.startsWith("hold/")) continue;
      const region = name.slice(name.indexOf("/") + 1);
      const isRegion = name.startsWith("count/") || name.startsWith("latest/");
      const isNew = isRegion && !regionsIn(seen).includes(region);
      const isGone = isRegion && !regionsIn(body).includes(region);
      if (isGone && last.regions.get(region) === "Failed") {
        known.away.set(region, false);
        continue;
      }
      if (isNew && known.away.has(region)) continue;
      const says = open.filter((one) => {
        if (name.startsWith("latest/"))
          return (
            one.ofLatest ||
            (isNew && one.asks.has(`count/${region}`)) ||
            (isGone && one.asks.has(`count/${region}`))
          );
        if (value === undefined && clears(one, name)) return true;
        return one.asks.has(name) && one.asks.get(name) === value;
      });
      if (says.length === 0)
        Oracle.#fail(
          `${name} of ${version} becomes ${value}, was seen as ${seen[name]}, and no open request says so`,
        );
    }
    for (const { name, value, atMs: editedMs } of this.#newest(known)) {
      const isHold = name.startsWith("hold/");
      if (isHold && (value === undefined || body[name.replace("hold", "latest")] !== "in"))
        continue;
      if (
        body[name] === value ||
        (name.startsWith("latest/") && !(name.replace("latest", "count") in body))
      )
        continue;
      // Within ten minutes nobody can tell whether it was otherwise in between.
      const isGivenBack = known.edits.some(
        (one) =>
          one.name === name &&
          one.before === value &&
          one.atMs < editedMs &&
          one.atMs >= editedMs - 600_000,
      );
      if (isGivenBack) continue;
      const isLatest = isHold || name.startsWith("latest/");
      // What they gave back before a look was nothing that Sigil could see.
      const isHeard = (saidMs: number) =>
        saidMs >= editedMs ||
        known.looks.find(({ atMs: seenMs }) => seenMs >= saidMs)?.facts?.[name] === value;
      const says = open.filter(
        (one) =>
          (!(isHold && one.kind === "rule") &&
            (isLatest ? one.ofLatest : one.asks.has(name)) &&
            isHeard(one.atMs)) ||
          (body[name] === "out" && one.canceledMs !== undefined && isHeard(one.canceledMs)),
      );
      if (says.length === 0 && !known.away.has(name.slice(name.indexOf("/") + 1)))
        Oracle.#fail(
          `others have made ${name} of ${version} ${value} at ${editedMs}, Sigil has seen that, and undoes it at ${atMs}: ${body[name]}`,
        );
    }
    for (const name of known.away.keys())
      if (regionsIn(body).includes(name)) known.away.set(name, true);
  }

  /** Others' last word on each field of the present life, where Sigil has seen it and nothing was written since. */
  #newest({ edits, ends, looks }: Known): readonly Edit[] {
    const begins = ends.at(-1) ?? 0;
    const byName = new Map<string, Edit>();
    for (const edit of edits) if (edit.atMs >= begins) byName.set(edit.name, edit);
    return [...byName.values()].filter(
      ({ isSeen, name, value }) => isSeen && looks.at(-1)?.facts?.[name] === value,
    );
  }

  /** A DELETE is sent only for a deletion that is open. */
  deletes(version: string, atMs: number): void {
    if (
      !this.requests.some(
        (one) => one.version === version && one.kind === "delete" && one.end === undefined,
      )
    )
      Oracle.#fail(`${version} is deleted, and nobody has asked for it`);
    this.ended(version, atMs);
  }

  /** The same event may come again. */
  told(type: string, eventId: string): void {
    if (!/\.(?:Completed|Failed|Canceled|Deleted)$/u.test(type)) return;
    const id = eventId.slice(0, eventId.indexOf("/"));
    this.#told.set(id, (this.#told.get(id) ?? new Set()).add(`${type} ${eventId}`));
  }

  /** Invariants 3 and 5. */
  end(request: Request, operation: OperationRecord): void {
    const { looks, edits } = this.#of(request.version);
    request.end = operation;
    request.unseen = edits.filter(({ isSeen }) => !isSeen);
    const { status, error } = operation;
    this.#say(
      `${request.id} ${request.kind} ends ${status} ${error?.code ?? ""} ${error?.message ?? ""}`,
    );
    if (status === "Failed" && !ENDS.test(error?.code ?? ""))
      Oracle.#fail(`${request.kind} ends by ${error?.code}: ${error?.message}`);
    if (status === "Failed" && !this.isDisturbed && !CALM_ENDS.has(error?.code ?? ""))
      Oracle.#fail(
        `${request.kind} ${request.id} ends by ${error?.code} though nothing has disturbed it: ${error?.message}`,
      );
    if (status !== "Succeeded") return;
    const since = looks.filter(({ atMs }) => atMs >= request.atMs);
    if (request.kind === "delete") {
      if (!since.some(({ facts }) => facts === undefined) && !this.isDisturbed)
        Oracle.#fail(`${request.id} has deleted what Azure still shows`);
      return;
    }
    for (const [name, value] of request.asks)
      if (!since.some(({ facts }) => facts !== undefined && isAs(facts, name, value)))
        Oracle.#fail(
          `${request.kind} ${request.id} has Succeeded, and Azure has never shown ${name} ${value}`,
        );
    for (const region of request.regions)
      if (!since.some(({ regions }) => regions.get(region) === "Completed"))
        Oracle.#fail(`${request.id} has Succeeded, and ${region} was never Completed`);
  }

  /** Invariants 4 and 6: nothing is open, and nothing disturbs any more. */
  finish(version: string, truth: Facts | undefined): void {
    const { edits, ends } = this.#of(version);
    const of = this.requests.filter((one) => one.version === version);
    for (const { id, end } of of) {
      if (end === undefined) Oracle.#fail(`${id} does not end`);
      const told = [...(this.#told.get(id) ?? [])];
      if (told.length !== 1)
        Oracle.#fail(`${id} ended ${end?.status}, and was told ${told.join() || "never"}`);
    }
    if (truth === undefined) return;
    for (const [i, request] of of.entries()) {
      if (request.end?.status !== "Succeeded" || request.kind === "delete") continue;
      if (ends.some((atMs) => atMs >= request.atMs)) continue;
      for (const [name, value] of request.asks) {
        const isLatest = name.startsWith("latest/");
        const isSaidLater = of
          .slice(i + 1)
          .some(
            (later) => (isLatest && later.ofLatest) || later.asks.has(name) || clears(later, name),
          );
        const isTheirs = edits.some(
          (edit) =>
            edit.name === name &&
            (edit.atMs >= request.atMs || request.unseen?.includes(edit) === true),
        );
        if (!isSaidLater && !isTheirs && !isAs(truth, name, value))
          Oracle.#fail(
            `${request.kind} ${request.id} has Succeeded with ${name} ${value}, and Azure has ${truth[name]}`,
          );
      }
    }
  }
}

/** Of a region that is not there nothing is in latest. */
function isAs(facts: Facts, name: string, value: string | undefined): boolean {
  return facts[name] === value || (value === "out" && facts[name] === undefined);
}

/** What a PUT leaves out of what Sigil has set is removed. */
function clears({ kind, asks }: Request, name: string): boolean {
  return kind === "put" && name.startsWith("tag/") && !asks.has(name);
}

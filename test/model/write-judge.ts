/** What each write of Sigil is judged by, where it arrives: what its sender has seen and stored, and who has asked for it. */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import { MOST_BEHIND_MS, SIGIL, short, type Arm } from "./arm.js";
import {
  changesBetween,
  factsOf,
  regionOf,
  saidIn,
  type Facts,
} from "./facts.js";
import {
  asks,
  isMeantFor,
  isOf,
  type Accepted,
  type Ledger,
} from "./ledger.js";
import type { Look } from "./look.js";
import type { Process } from "./process.js";
import { HOME } from "./requests.js";

export interface WriteJudge {
  put(process: Process, version: string, body: ImageVersionRequest): void;
  deletion(process: Process, version: string): void;
  /** Regions that were taken away for repair, as they were. */
  away(version: string): ReadonlyMap<string, Facts>;
}

export interface Judging {
  readonly arm: Arm;
  readonly ledger: Ledger;
  readonly nowMs: () => number;
  /** Tells of a breach of the invariant of that number (state-machine.test.ts). */
  readonly breach: (invariant: number, text: string) => void;
  /** The message that looks after this step is on its way. */
  readonly isLookedAfter: (operationId: string, step: number) => boolean;
  /** What Sigil has been shown of a version, in order. */
  readonly looksAt: (version: string) => readonly Look[];
}

export function createWriteJudge(judging: Judging): WriteJudge {
  const { arm, ledger, nowMs, breach } = judging;
  const steps = new Set<string>();
  /** Lives that others began a moment before Sigil sent its create: ARM has made one of the two. */
  const unseen = new Set<string>();
  /** Lives of which Sigil has allowed that regions are removed: what it has opened it closes, whoever made the version. */
  const opened = new Set<string>();
  const away = new Map<string, Map<string, Facts>>();
  const awayFrom = (version: string): Map<string, Facts> => {
    const found = away.get(version) ?? new Map<string, Facts>();
    away.set(version, found);
    return found;
  };

  /** Intent is stored, and once for each step. */
  const judgeIntent = (
    what: string,
    { stored }: Process,
    version: string,
    states: readonly string[],
  ): readonly Accepted[] => {
    if (
      stored === undefined ||
      !states.includes(stored.state) ||
      ledger.find(stored.operationId)?.version !== version
    ) {
      breach(3, `${what}, which stored no intent`);
      return [];
    }
    const step = `${stored.operationId} ${stored.step}`;
    if (!judging.isLookedAfter(stored.operationId, stored.step))
      breach(3, `${what}: no message looks after step ${step}`);
    if (steps.has(step)) breach(3, `${what} of step ${step}, sent before`);
    steps.add(step);
    return stored.open;
  };

  return {
    away: awayFrom,
    deletion(process, version) {
      const what = `DELETE of ${short(version)} by ${process.name}`;
      const open = judgeIntent(what, process, version, ["Deleting"]);
      const asked = open.filter(({ kind }) => kind === "DeleteImageVersion");
      if (asked.length === 0) breach(2, `${what}, which nobody asked for`);
      const life = arm.life(version);
      const birth = arm.birth(version);
      if (
        birth !== undefined &&
        birth.by !== SIGIL &&
        process.looks.get(version)?.current === true &&
        !asked.some((each) => isMeantFor(each, life))
      )
        breach(2, `${what}, which ${birth.by} has made since it was asked for`);
    },
    put(process, version, body) {
      const what = `PUT of ${short(version)} by ${process.name}`;
      const open = judgeIntent(what, process, version, [
        "Creating",
        "Updating",
      ]);
      const look = process.looks.get(version);
      if (look === undefined) return breach(3, `${what}, which has not looked`);
      const { facts: before = {}, provisioningState: shown } = look;
      if (shown !== undefined && !["Succeeded", "Failed"].includes(shown))
        breach(3, `${what}, which was shown ${shown}`);
      if (shown === undefined) judgeCreation(what, version, open);
      else judgeAdoption(what, version, open, before, body);
      const after = factsOf(body);
      if (after["opened"] === "true" && before["opened"] !== "true")
        opened.add(`${version} ${arm.life(version)}`);
      const { excludeFromLatest, targetRegions = [] } =
        body.properties.publishingProfile ?? {};
      if (
        excludeFromLatest === true &&
        targetRegions.some((region) => region.excludeFromLatest === false)
      )
        breach(5, `${what} excludes it, but says otherwise of a region`);
      const taken = awayFrom(version);
      const changes = changesBetween(before, after);
      const asked = (fact: string, value: string | undefined): boolean =>
        open.some((each) => asks(each, fact, value));
      const removed = changes.flatMap(({ fact, after: left }) =>
        fact.startsWith("region/") && left === undefined
          ? [regionOf(fact) ?? ""]
          : [],
      );
      for (const region of removed) {
        if (asked(`region/${region}`, undefined)) {
          taken.delete(region);
          continue;
        }
        const state = look.regions.get(region);
        // Failed, or given up with the whole.
        const failed =
          state === "Failed" || (shown === "Failed" && state !== "Completed");
        if (region === HOME || !failed)
          breach(2, `${what} takes away ${region}, which is ${state}`);
        taken.set(region, before);
      }
      const wanted = asked("opened", "true") || mayBeApplied(version, "opened");
      if (after["opened"] === "true" && removed.length === 0 && !wanted)
        breach(2, `${what} allows the removal of regions`);
      for (const { fact, before: from, after: to } of changes) {
        if (fact === "opened" || asked(fact, to)) continue;
        const region = regionOf(fact);
        if (region !== undefined) {
          if (to === undefined && removed.includes(region)) continue;
          if (from === undefined && taken.get(region)?.[fact] === to) continue;
        }
        if (
          fact === "excluded" &&
          mayExclude(
            version,
            open,
            to === "true",
            look.facts === undefined,
            look.regions,
          )
        )
          continue;
        // Of a life that others have begun since, a body says all that it shall be.
        if (
          open.some(
            ({ body, life }) =>
              body !== undefined &&
              life < arm.life(version) &&
              saidIn(body)[fact] === to,
          )
        )
          continue;
        // Of a version that is made, what is not said has its default.
        if (shown === undefined && factsOf(EMPTY)[fact] === to) continue;
        breach(
          5,
          `${what} makes ${fact} ${to}, which was ${from}, and nobody asked for it`,
        );
      }
    },
  };

  /** A PUT that says what the version shall be, whatever is there. */
  function blind({ body, ifMatch, shown }: Accepted): boolean {
    return body !== undefined && (ifMatch !== true || shown === undefined);
  }

  /** What others have made is changed only for those who have seen that very life, or once it was as they asked. */
  function judgeAdoption(
    what: string,
    version: string,
    open: readonly Accepted[],
    before: Facts,
    body: ImageVersionRequest,
  ): void {
    const life = arm.life(version);
    const birth = arm.birth(version);
    if (birth === undefined || birth.by === SIGIL) return;
    if (unseen.has(`${version} ${life}`)) return;
    const adopted = ledger.accepted.some(
      (each) =>
        each.version === version &&
        isOf(each, life) &&
        (blind(each) || isMeantFor(each, life)) &&
        (each.body !== undefined || each.edits !== undefined) &&
        (each.status === "Succeeded" || wasShown(each)),
    );
    const changed = changesBetween(before, factsOf(body)).map(
      ({ fact }) => fact,
    );
    const closes =
      opened.has(`${version} ${life}`) &&
      changed.every((fact) => fact === "opened");
    if (
      !adopted &&
      !closes &&
      open.every((each) => blind(each) || !isMeantFor(each, life))
    )
      breach(
        2,
        `${what} writes over what ${birth.by} has made: ${changed.join(", ")}`,
      );
  }

  /** Azure was as an operation asks, at a look since: it has adopted the version, whatever becomes of its regions. */
  function wasShown({ version, acceptedMs, wishes }: Accepted): boolean {
    return judging
      .looksAt(version)
      .some(
        ({ atMs, facts, provisioningState }) =>
          atMs >= acceptedMs &&
          facts !== undefined &&
          ["Succeeded", "Failed"].includes(provisioningState ?? "") &&
          [...wishes].every(
            ([fact, { value, how }]) =>
              how === "perhaps" || facts[fact] === value,
          ),
      );
  }

  function judgeCreation(
    what: string,
    version: string,
    open: readonly Accepted[],
  ): void {
    if (!open.some(blind)) breach(2, `${what} creates, and no PUT asks for it`);
    const birth = arm.birth(version);
    if (
      birth === undefined ||
      arm.truth(version)?.provisioningState === "Deleting"
    )
      return;
    // Who made it a moment ago, unseen, Sigil cannot know: Azure has no guard against that.
    if (birth.by === SIGIL)
      breach(2, `${what} creates what Sigil has made already`);
    else if (nowMs() - birth.atMs > MOST_BEHIND_MS)
      breach(2, `${what} writes over what ${birth.by} has made`);
    else unseen.add(`${version} ${arm.life(version)}`);
  }

  /** A caller has asked before that regions may be removed at any time. */
  function mayBeApplied(version: string, fact: string): boolean {
    const life = arm.life(version);
    return ledger.accepted.some(
      (each) =>
        each.version === version &&
        isOf(each, life) &&
        each.wishes.get(fact)?.value === "true",
    );
  }

  /** One that would have included what a canceled creation has made comes to nothing: it leaves the version excluded. */
  function mayInherit(version: string, open: readonly Accepted[]): boolean {
    const life = arm.life(version);
    return (
      ledger.accepted.some(
        (each) => each.version === version && each.canceled && isOf(each, life),
      ) && open.some(({ wishes }) => wishes.get("excluded")?.value === "false")
    );
  }

  /** What Sigil itself sees to: a version is made excluded under a rule, promoted by it, and held back once its creation is canceled. */
  function mayExclude(
    version: string,
    open: readonly Accepted[],
    excludes: boolean,
    creates: boolean,
    regions: ReadonlyMap<string, string>,
  ): boolean {
    const rule = ledger.hasRule(version, arm.life(version));
    if (excludes)
      return (
        (creates && rule) ||
        open.some(({ canceled }) => canceled) ||
        mayInherit(version, open)
      );
    // A rule waits for the regions that Sigil was asked for.
    const asked = ledger.accepted.flatMap((each) =>
      each.version === version ? each.regions : [],
    );
    return (
      rule &&
      [...regions].every(
        ([name, state]) => state === "Completed" || !asked.includes(name),
      )
    );
  }
}

const EMPTY = { properties: {} } as ImageVersionRequest;

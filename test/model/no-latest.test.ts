/**
 * Random image definitions under random commands, one or two at once: no region loses its latest unnamed, and none is latest by
 * accident. Ten definitions for each story of `SIGIL_MODEL_RUNS`; `SIGIL_MODEL_SEED` makes others. One that fails is shrunk, and
 * printed with its seed and all that happened.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ServiceError } from "../../src/errors.js";
import type { OperationRecord } from "../../src/operation/records.js";
import { banOf } from "../../src/revocation/bans.js";
import { idOf, revocationOf } from "../support/dependencies.js";
import { DOORS, type Choice, type Door } from "../support/doors/latest-doors.js";
import { Estate, IMAGE, REGIONS, type Copy, type Seed } from "./estate.js";
import type { RollbackRecord } from "../../src/image-version/rollback-record.js";

const { SIGIL_MODEL_RUNS = "8", SIGIL_MODEL_SEED = "20260101" } = process.env;
const RUNS = Number(SIGIL_MODEL_RUNS) * 10;
const SEED = SIGIL_MODEL_SEED === "random" ? Date.now() % 1_000_000 : Number(SIGIL_MODEL_SEED);

const WAYS = new Map(DOORS);
/** What takes versions out comes more often. */
const OFTEN = [...WAYS].flatMap(([name, { out }]) => (out ? [name, name] : [name]));

interface Command extends Required<Pick<Choice, "allowNoLatest" | "ignoreUse">> {
  readonly does: string;
  readonly version: number;
  readonly regions: readonly number[];
  /** Of the operations that are open. */
  readonly nth: number;
}

interface Story {
  readonly versions: readonly Seed[];
  /** Sigil knows of subscriptions whose machines may be made of the image. */
  readonly guarded: boolean;
  readonly steps: readonly {
    /** Of one moment. */
    readonly commands: readonly Command[];
    /** How much is done before the next ones come; undefined: all. */
    readonly rounds: number | undefined;
  }[];
  readonly seed: number;
}

const flag = fc.constantFrom(undefined, undefined, undefined, false, true);
const allowNoLatest = fc.constantFrom(false, false, false, true);
/** Of a definition's versions and regions, in turn. */
const version = fc.nat(4);
const region = fc.nat(3);

const copy = fc.record({
  excluded: flag,
  readyInMs: fc.constantFrom(0, 0, 0, 0, 0, 0, 60_000, 300_000),
});

/** In some of so many regions. */
const seedIn = (regions: number): fc.Arbitrary<Seed> =>
  fc.record({
    excluded: flag,
    endOfLifeDate: fc.constantFrom(undefined, "2025-06-01T00:00:00Z", "2030-06-01T00:00:00Z"),
    regions: fc
      .array(fc.option(copy, { freq: 4 }), {
        minLength: regions,
        maxLength: regions,
      })
      .filter((copies) => copies.some((one) => one !== null))
      .map((copies) =>
        Object.fromEntries(
          copies.flatMap((one, i) => (one === null ? [] : [[REGIONS[i] ?? "", one]])),
        ),
      ),
  });

/** Two to four regions, two to five versions; mostly few, so that commands meet. */
const versions: fc.Arbitrary<readonly Seed[]> = fc
  .tuple(fc.constantFrom(2, 2, 3, 4), fc.constantFrom(2, 2, 2, 2, 3, 3, 4, 5))
  .chain(([regions, length]) =>
    fc.array(seedIn(regions), { minLength: length, maxLength: length }),
  );

const command: fc.Arbitrary<Command> = fc.record({
  does: fc.constantFrom(...OFTEN),
  version,
  regions: fc.uniqueArray(region, { minLength: 1, maxLength: 2 }),
  allowNoLatest,
  ignoreUse: fc.boolean(),
  nth: fc.nat(3),
});

const story: fc.Arbitrary<Story> = fc.record({
  versions,
  guarded: fc.boolean(),
  steps: fc.array(
    fc.record({
      commands: fc.oneof(fc.tuple(command), {
        weight: 3,
        arbitrary: fc.tuple(command, command),
      }),
      rounds: fc.constantFrom(undefined, 0, 1, 2, 5, 9),
    }),
    { minLength: 1, maxLength: 4, size: "max" },
  ),
  seed: fc.nat(),
});

const isNew = ({ does }: Command): boolean => does.startsWith("putImageVersion");

/** A number between those that are there at first. */
const madeName = (version: number): string => `1.${version}.1`;

const door = ({ does }: Command): Door => WAYS.get(does) ?? expect.fail(`there is no ${does}`);

class Play {
  readonly #estate: Estate;
  readonly #names: readonly string[];
  readonly #regions: readonly string[];
  /** Numbers of versions that were revoked when all was settled last. */
  #revoked: ReadonlySet<string> = new Set();
  /** Accepted since all was settled last. */
  #accepted: { readonly command: Command; readonly answer: OperationRecord }[] = [];

  constructor(told: Story, estate: Estate) {
    this.#estate = estate;
    const created = told.steps.flatMap(({ commands }) =>
      commands.flatMap((one) => (isNew(one) ? [madeName(one.version)] : [])),
    );
    this.#names = [...told.versions.map((_, i) => `1.${i}.0`), ...new Set(created)];
    this.#regions = [...new Set(told.versions.flatMap((one) => Object.keys(one.regions)))];
  }

  async play({ steps }: Story): Promise<void> {
    let before = this.#estate.copies();
    for (const { commands, rounds } of steps) {
      await Promise.all(commands.map((one, i) => this.#ask(one, `caller${i}`)));
      for (let round = 0; round < (rounds ?? 0); round += 1) await this.#estate.work();
      if (rounds === undefined) before = await this.#judge(before);
    }
    await this.#judge(before);
  }

  async #ask(command: Command, appId: string): Promise<void> {
    const line = `${appId}: ${JSON.stringify(command)}`;
    try {
      const answer = await this.#send(command, appId);
      this.#estate.say(`${line}: ${answer?.id ?? "nothing to do"}`);
      if (answer !== undefined) this.#accepted.push({ command, answer });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.#estate.say(`${line}: ${error.code}`);
    }
  }

  #send(command: Command, appId: string): Promise<OperationRecord | undefined> {
    const open = this.#estate.operations().filter(({ endTime }) => endTime === undefined);
    const { version: nth } = command;
    const number = isNew(command) ? madeName(nth) : this.#name(nth);
    return door(command).play(this.#estate.deps, {
      allowNoLatest: command.allowNoLatest,
      ignoreUse: command.ignoreUse,
      appId,
      versionId: `${IMAGE}/versions/${number}`,
      regions: this.#regionsOf(command),
      operationId: open[command.nth % Math.max(1, open.length)]?.id,
    });
  }

  #regionsOf({ regions }: Command): readonly string[] {
    return [...new Set(regions.map((nth) => this.#region(nth)))];
  }

  #name(version: number): string {
    return this.#names[version % this.#names.length] ?? "";
  }

  #region(nth: number): string {
    return this.#regions[nth % this.#regions.length] ?? "";
  }

  /** Nothing is under way any more. */
  async #judge(before: readonly Copy[]): Promise<readonly Copy[]> {
    await this.#estate.settle();
    const now = this.#estate.copies();
    const latest = latestOf(now);
    expect(
      this.#estate
        .takeRegionsWithLatest()
        .filter((name) => !latest.has(name) && !this.#named().has(name)),
      "regions that have lost their latest unnamed",
    ).toEqual([]);
    const included = (copies: readonly Copy[]): readonly string[] =>
      copies.flatMap(({ version: number, region: name, excluded }) =>
        excluded ? [] : [`${number} in ${name}`],
      );
    expect(
      included(now).filter((one) => !included(before).includes(one) && !this.#said().has(one)),
      "latest by accident",
    ).toEqual([]);
    const revoked = await this.#bans();
    const isRevoked = (one: string): boolean => revoked.has(one.slice(0, one.indexOf(" ")));
    const open = this.#estate.operations().filter(({ endTime }) => endTime === undefined);
    expect(
      included(now).filter(
        (one) =>
          isRevoked(one) &&
          (this.#revoked.has(one.slice(0, one.indexOf(" ")))
            ? !included(before).includes(one)
            : false),
      ),
      "revoked, and in latest again",
    ).toEqual([]);
    expect(
      included(now).filter((one) => isRevoked(one) && this.#isDone(one) && open.length === 0),
      "revoked, and in latest after its operation",
    ).toEqual([]);
    this.#revoked = revoked;
    this.#accepted = [];
    return now;
  }

  async #bans(): Promise<ReadonlySet<string>> {
    const { revocations } = revocationOf(this.#estate.deps);
    const found = await Promise.all(
      this.#names.map(async (name) =>
        (await banOf(revocations, idOf(`${IMAGE}/versions/${name}`))) === undefined ? [] : [name],
      ),
    );
    return new Set(found.flat());
  }

  /** The last operation that has revoked the version has ended well. */
  #isDone(one: string): boolean {
    const resourceId = `${IMAGE}/versions/${one.slice(0, one.indexOf(" "))}`;
    return (
      this.#estate
        .operations()
        .findLast((each) => each.kind === "RevokeImageVersion" && each.resourceId === resourceId)
        ?.status === "Succeeded"
    );
  }

  /** Where commands have said that a version is in latest. */
  #said(): ReadonlySet<string> {
    return new Set(
      this.#accepted.flatMap(({ command: one, answer: { resourceId, detail } }) => {
        const rollback = detail as RollbackRecord | undefined;
        const number = rollback?.to ?? resourceId.slice(resourceId.lastIndexOf("/") + 1);
        // A version's own flag is of every region, also of one that it leaves out.
        const regions = { everywhere: REGIONS, regions: this.#regionsOf(one), nowhere: [] };
        return regions[door(one).in ?? "nowhere"].map((name) => `${number} in ${name}`);
      }),
    );
  }

  /** Regions of which the answer to who allowed it has said that they have no latest then. */
  #named(): ReadonlySet<string> {
    const operations = new Map(this.#estate.operations().map((one) => [one.id, one]));
    return new Set(
      this.#accepted.flatMap(({ command: one, answer }) => {
        if (!one.allowNoLatest) return [];
        const { detail, warnings: own = [] }: Partial<OperationRecord> =
          operations.get(answer.id) ?? {};
        const rollback = detail as RollbackRecord | undefined;
        const warnings = [
          ...own,
          ...(one.does === "revokeImageVersion"
            ? [...operations.values()].flatMap((each) =>
                each.resourceId === answer.resourceId ? (each.warnings ?? []) : [],
              )
            : []),
        ];
        return [
          ...warnings.flatMap(({ code, message }) =>
            code === "RegionWouldLoseLatest"
              ? REGIONS.filter((name) => message.includes(`In ${name} `))
              : [],
          ),
          ...(rollback?.regions ?? []).flatMap(({ name, to }) => (to === undefined ? [name] : [])),
        ];
      }),
    );
  }
}

/** Azure's rule: by region the highest number that is Completed there and not excluded. */
function latestOf(copies: readonly Copy[]): ReadonlyMap<string, string> {
  return new Map(
    copies
      .filter(({ completed, excluded }) => completed && !excluded)
      .map(({ region: name, version: number }) => [name, number]),
  );
}

test(
  "no region loses its latest unnamed, and none is latest by accident",
  { timeout: 60_000 + RUNS * 1_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const estate = new Estate(told.versions, told);
        try {
          await new Play(told, estate).play(told);
        } catch (error) {
          throw new Error(`${String(error)}\n${estate.lines.join("\n")}`, {
            cause: error,
          });
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
  },
);

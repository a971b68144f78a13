/**
 * Random requests for one version, one after the other, with others at work in between: what has Succeeded is in Azure,
 * with nothing that it took away and everything of others; what has not was refused by name. `SIGIL_TRUTH_RUNS` and
 * `SIGIL_TRUTH_SEED` make another or a longer run.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ServiceError } from "../../../../src/errors.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { PutAnswer } from "../../../../src/image-version/commands/put.js";
import type { StepDependencies } from "../../../../src/image-version/ports.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { keyOf } from "../../../../src/resource-id.js";
import type { InProcess } from "../../../support/dependencies.js";
import { failingDependencies } from "../../../support/failing-dependencies.js";
import { inOneWorld, nextVersionId } from "../../../support/one-world.js";
import {
  type Shown,
  byHand,
  canonicalName,
  etagOf,
  operation,
  patch,
  plain,
  put,
  puts,
  regionNames,
  seen,
  shownIn,
} from "./support.js";

const { SIGIL_TRUTH_RUNS = "30", SIGIL_TRUTH_SEED = "20260101" } = process.env;
const RUNS = Number(SIGIL_TRUTH_RUNS);

let world: InProcess;
inOneWorld({ replicationMs: 60_000 }, (given) => {
  world = given;
});

const REGIONS = ["eastus2", "eastus", "westus2"] as const;
const OURS = ["a", "b", "c"] as const;
const DATES = ["2090-01-01T00:00:00Z", "2091-06-01T00:00:00Z"] as const;

const tags = fc.dictionary(
  fc.constantFrom(...OURS),
  fc.constantFrom("1", "2", ""),
  { maxKeys: 3 },
);
const count = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });

/** A body around a valid one. */
const body = fc.record(
  {
    home: count,
    regions: fc.dictionary(fc.constantFrom(...REGIONS), count, { maxKeys: 3 }),
    tags,
    endOfLife: fc.constantFrom(undefined, ...DATES),
    excluded: fc.constantFrom(undefined, true, false),
    blocked: fc.constantFrom(undefined, true, false),
    silentSource: fc.boolean(),
  },
  { noNullPrototype: true },
);
type Body = typeof body extends fc.Arbitrary<infer T> ? T : never;

const how = fc.record(
  {
    condition: fc.constantFrom("none", "none", "present", "stale"),
    remove: fc.constantFrom(undefined, undefined, ...REGIONS),
    /** A patch that is sent while the request is being worked on. */
    beside: fc.constantFrom(undefined, undefined, "1", "2"),
  },
  { noNullPrototype: true },
);

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constant("put" as const), body, how }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant("paste" as const),
      of: fc.constantFrom("ARM", "Sigil"),
      edit: fc.constantFrom("nothing", "tag", "count", "no tags", "no date"),
      how,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant("patch" as const),
      tags: fc.dictionary(
        fc.constantFrom(...OURS, "theirs"),
        fc.constantFrom("1", "2", null),
        { minKeys: 1, maxKeys: 3 },
      ),
      remove: fc.constantFrom(undefined, undefined, ...REGIONS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constantFrom("promote" as const, "demote" as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant("edit" as const),
      tags: fc.dictionary(
        fc.constantFrom(...OURS, "theirs"),
        fc.constantFrom("portal", null),
        { maxKeys: 2 },
      ),
      excluded: fc.constantFrom(undefined, true, false),
      endOfLife: fc.constantFrom(undefined, "2095-01-01T00:00:00Z"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant("policy" as const),
      adds: fc.boolean(),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const story = fc.record({
  first: body,
  steps: fc.array(step, { minLength: 1, maxLength: 5 }),
  lagMs: fc.constantFrom(0, 0, 20_000, 180_000),
  crashes: fc.constantFrom(undefined, undefined, 7, 15),
  seed: fc.nat(),
});

function requestOf({
  home,
  regions,
  tags: wanted,
  endOfLife,
  excluded,
  blocked,
  silentSource,
}: Body): ImageVersionRequest {
  const request = plain(
    Object.entries({ westus: home, ...regions }).map(([name, replicas]) => ({
      name,
      ...(replicas !== undefined && { regionalReplicaCount: replicas }),
    })),
    {
      ...(Object.keys(wanted).length > 0 && { tags: wanted }),
      publishing: {
        ...(endOfLife !== undefined && { endOfLifeDate: endOfLife }),
        ...(excluded !== undefined && { excludeFromLatest: excluded }),
      },
      ...(blocked !== undefined && {
        safety: { blockDeletionBeforeEndOfLife: blocked },
      }),
    },
  );
  return silentSource
    ? {
        ...request,
        properties: { ...request.properties, storageProfile: {} },
      }
    : request;
}

/** What is known of a version without asking the product: what its own bodies have said last. */
interface Told {
  tags: ReadonlySet<string>;
  counts: ReadonlySet<string>;
  endOfLife: string | undefined;
  excluded: boolean;
  blocked: boolean;
}

const tagsIn = (shown: Shown): Record<string, string> => {
  const { policy: _, ...others } = shown.tags ?? {};
  return others;
};
const dateIn = (shown: Shown): number | undefined => {
  const date = shown.properties.publishingProfile.endOfLifeDate;
  return date === undefined ? undefined : Date.parse(date);
};
const excludedIn = (shown: Shown): boolean =>
  shown.properties.publishingProfile.excludeFromLatest === true;
const countsIn = (shown: Shown): Record<string, number> =>
  Object.fromEntries(
    shown.properties.publishingProfile.targetRegions.map(
      ({ name, regionalReplicaCount = 1 }) => [
        canonicalName(name),
        regionalReplicaCount,
      ],
    ),
  );

class Story {
  readonly id = nextVersionId();
  readonly #deps: StepDependencies;
  readonly #restart: () => void;
  readonly #lagMs: number;
  told: Told | undefined;
  /** What it says after a request that ended Failed is not known: the story ends there. */
  abandoned = false;

  constructor(lagMs: number, crashes: number | undefined, seed: number) {
    const process = failingDependencies(
      world.deps,
      keyOf(this.id),
      crashes === undefined ? undefined : { seed, every: crashes },
    );
    this.#deps = process.deps;
    this.#restart = process.restart;
    this.#lagMs = lagMs;
  }

  /** What Azure has now, however far reads lag. */
  async truth(): Promise<Shown> {
    world.clock.advance(this.#lagMs + 30_000);
    return shownIn(world, this.id);
  }

  async #work(): Promise<void> {
    for (;;) {
      const due = await world.takeDue();
      if (due.length === 0) return;
      for (const message of due)
        for (let delivery = 0; ; delivery += 1)
          try {
            await world.handle(message, this.#deps);
            break;
          } catch (error) {
            this.#restart();
            if (delivery >= 9) throw error;
          }
    }
  }

  async ended(accepted: OperationRecord): Promise<OperationRecord> {
    for (let ticks = 0; ticks < 2_000; ticks += 1) {
      await this.#work();
      const now = await operation(world, accepted);
      if (now.endTime !== undefined) return now;
      world.clock.advance(15_000);
    }
    throw new Error(`${accepted.id} does not end`);
  }

  /** The answer of a request, or by which name it was refused. */
  async ask(
    request: Promise<PutAnswer>,
  ): Promise<
    | { readonly refused: string }
    | { readonly unchanged: true }
    | { readonly operation: OperationRecord }
  > {
    try {
      const answer = await request;
      return answer.kind === "unchanged"
        ? { unchanged: true }
        : { operation: answer.operation };
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      expect(error.code, error.message).toMatch(
        /^(?:InvalidRequest|ImageVersionConflict|PreconditionFailed|NotFound)$/u,
      );
      if (["InvalidRequest", "ImageVersionConflict"].includes(error.code))
        expect(error.findings.length, error.message).toBeGreaterThan(0);
      return { refused: error.code };
    }
  }
}

interface Wanted {
  readonly tags: Record<string, string>;
  readonly counts: Readonly<Record<string, number>>;
  readonly gone: string | undefined;
  readonly endOfLife: number | undefined;
  readonly excluded: boolean;
}

/** What Azure is to have after a body, by what it had and what was said before. */
function wantedAfter(
  said: ImageVersionRequest,
  before: Shown | undefined,
  told: Told | undefined,
  gone: string | undefined,
  differs: boolean,
): Wanted {
  const profile = said.properties.publishingProfile;
  const had = before === undefined ? {} : countsIn(before);
  const counts: Record<string, number> = { ...had };
  for (const { name, regionalReplicaCount } of profile?.targetRegions ?? []) {
    const region = canonicalName(name);
    counts[region] =
      regionalReplicaCount ??
      (differs || told?.counts.has(region) === true ? 1 : (had[region] ?? 1));
  }
  if (gone !== undefined) delete counts[gone];
  const theirs =
    before === undefined || differs
      ? {}
      : Object.fromEntries(
          Object.entries(tagsIn(before)).filter(
            ([name]) => told?.tags.has(name) !== true,
          ),
        );
  const { policy: _, ...own } = said.tags ?? {};
  const date =
    profile?.endOfLifeDate === undefined
      ? undefined
      : Date.parse(profile.endOfLifeDate);
  const toldDate =
    told?.endOfLife === undefined ? undefined : Date.parse(told.endOfLife);
  return {
    tags: { ...theirs, ...own },
    counts,
    gone,
    endOfLife: differs
      ? date
      : date !== undefined
        ? date === toldDate
          ? before && dateIn(before)
          : date
        : toldDate !== undefined
          ? undefined
          : before && dateIn(before),
    excluded:
      profile?.excludeFromLatest === undefined
        ? before !== undefined && excludedIn(before)
        : !differs &&
            told !== undefined &&
            told.excluded === profile.excludeFromLatest
          ? before !== undefined && excludedIn(before)
          : profile.excludeFromLatest,
  };
}

function mustHave(shown: Shown, wanted: Wanted, why: string): void {
  expect(
    {
      tags: tagsIn(shown),
      counts: countsIn(shown),
      endOfLife: dateIn(shown),
      excluded: excludedIn(shown),
    },
    why,
  ).toEqual({
    tags: wanted.tags,
    counts: wanted.counts,
    endOfLife: wanted.endOfLife,
    excluded: wanted.excluded,
  });
}

async function run({
  first,
  steps,
  lagMs,
  crashes,
  seed,
}: typeof story extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
  const { control } = world.simulator;
  await control.setPolicy(null);
  await control.setLag({ ms: 0 });
  control.clearFaults();
  const told = new Story(lagMs, crashes, seed);
  await control.setLag({ ms: lagMs });
  const whole: Step[] = [
    {
      does: "put",
      body: { ...first, silentSource: false },
      how: { condition: "none", remove: undefined, beside: undefined },
    },
    ...steps,
  ];
  for (const [i, one] of whole.entries())
    if (!told.abandoned)
      await take(told, one, i === 0, `step ${i}: ${JSON.stringify(one)}`);
}

async function take(
  told: Story,
  one: Step,
  creates: boolean,
  why: string,
): Promise<void> {
  const { control } = world.simulator;
  const { id } = told;
  switch (one.does) {
    case "policy":
      return control.setPolicy(one.adds ? { addTags: { policy: "p" } } : null);
    case "edit":
      await told.truth();
      return control.editVersion({
        versionId: id,
        tags: one.tags,
        properties: {
          publishingProfile: {
            ...(one.excluded !== undefined && {
              excludeFromLatest: one.excluded,
            }),
            ...(one.endOfLife !== undefined && {
              endOfLifeDate: one.endOfLife,
            }),
          },
        },
      });
    case "promote":
    case "demote": {
      const before = await told.truth();
      const ended = await told.ended(await byHand[one.does](world, id));
      expect(ended, why).toMatchObject({ status: "Succeeded" });
      const after = await told.truth();
      expect(excludedIn(after), why).toBe(one.does === "demote");
      expect(tagsIn(after), why).toEqual(tagsIn(before));
      expect(countsIn(after), why).toEqual(countsIn(before));
      return;
    }
    case "patch": {
      const before = await told.truth();
      const answer = await told.ask(
        patch(
          world,
          id,
          { tags: one.tags },
          { ...(one.remove && { removeRegions: [one.remove] }) },
        ),
      );
      if ("refused" in answer) {
        expect(await told.truth(), why).toEqual(before);
        return;
      }
      if ("operation" in answer) {
        const ended = await told.ended(answer.operation);
        expect(ended.error, why).toBeUndefined();
      }
      const after = await told.truth();
      const tags = { ...tagsIn(before) };
      const ours = new Set(told.told?.tags);
      for (const [name, value] of Object.entries(one.tags)) {
        if (value === null) delete tags[name];
        else tags[name] = value;
        if (!("operation" in answer)) continue;
        if (value === null) ours.delete(name);
        else ours.add(name);
      }
      const counts = countsIn(before);
      if (one.remove !== undefined) delete counts[one.remove];
      mustHave(
        after,
        {
          tags,
          counts,
          gone: one.remove,
          endOfLife: dateIn(before),
          excluded: excludedIn(before),
        },
        why,
      );
      if (told.told) told.told = { ...told.told, tags: ours };
      return;
    }
    case "paste":
    case "put": {
      const before = creates ? undefined : await told.truth();
      const said =
        one.does === "put"
          ? requestOf(one.body)
          : edited(
              (one.of === "ARM"
                ? await shownIn(world, id)
                : await seen(world, id)) as unknown as ImageVersionRequest,
              one.edit,
            );
      const { condition, remove, beside } = one.how;
      const ifMatch =
        condition === "present"
          ? await etagOf(world, id)
          : condition === "stale"
            ? '"0000"'
            : undefined;
      const pasted = one.does === "paste" ? said : undefined;
      if (pasted !== undefined && remove !== undefined) {
        const profile = said.properties.publishingProfile;
        if (profile?.targetRegions)
          profile.targetRegions = profile.targetRegions.filter(
            ({ name }) => canonicalName(name) !== remove,
          );
      }
      control.clearRequests();
      const answer = await told.ask(
        put(world, id, said, {
          ...(ifMatch !== undefined && { ifMatch }),
          ...(remove !== undefined && { removeRegions: [remove] }),
          ...(pasted !== undefined && { pasted: true }),
        }),
      );
      if ("refused" in answer) {
        if (before !== undefined)
          expect(await told.truth(), why).toEqual(before);
        expect(puts(world), why).toBe(0);
        return;
      }
      expect(condition, why).not.toBe("stale");
      const asked =
        beside === undefined ? undefined : await besides(told, beside);
      if ("operation" in answer) {
        const ended = await told.ended(answer.operation);
        const { status } = ended;
        // With If-Match a body that leaves out the policy's tag takes it away, and the policy adds it again.
        if (status !== "Succeeded") {
          expect(ended.error?.code, why).toBe("RemovalIgnored");
          expect(ifMatch, why).toBeDefined();
          expect((await told.truth()).tags, why).toHaveProperty("policy");
          told.abandoned = true;
          if (beside !== undefined && asked) await told.ended(asked);
          return;
        }
      } else expect(puts(world), why).toBe(0);
      const besideEnd = asked && (await told.ended(asked));
      const after = await told.truth();
      const differs = ifMatch !== undefined;
      const wanted = wantedAfter(said, before, told.told, remove, differs);
      const ours = new Set(told.told?.tags);
      if (differs) {
        for (const [name, value] of Object.entries(said.tags ?? {}))
          if (before && tagsIn(before)[name] !== value) ours.add(name);
        for (const name of Object.keys(before ? tagsIn(before) : {}))
          if (!(name in (said.tags ?? {}))) ours.delete(name);
      }
      if (besideEnd !== undefined && beside !== undefined) {
        expect(besideEnd.status, why).toBe("Succeeded");
        wanted.tags["beside"] = beside;
      }
      mustHave(after, wanted, why);
      const view = await seen(world, id);
      expect(view.tags ?? {}, why).toEqual(after.tags ?? {});
      expect(
        view.properties.publishingProfile?.targetRegions?.map(
          ({ name }) => name,
        ),
        why,
      ).toEqual(regionNames(after));
      expect(view.sigil.pending, why).toEqual([]);
      const profile = said.properties.publishingProfile;
      const ownTags = differs ? ours : new Set(Object.keys(said.tags ?? {}));
      if (besideEnd !== undefined) ownTags.add("beside");
      const had = told.told;
      const said2 = profile?.targetRegions ?? [];
      told.told = {
        tags: ownTags,
        counts: differs
          ? new Set([
              ...(had?.counts ?? []),
              ...said2
                .filter(
                  ({ name, regionalReplicaCount = 1 }) =>
                    before !== undefined &&
                    countsIn(before)[canonicalName(name)] !==
                      regionalReplicaCount,
                )
                .map(({ name }) => canonicalName(name)),
            ])
          : new Set([
              ...[...(had?.counts ?? [])].filter(
                (region) =>
                  !said2.some(({ name }) => canonicalName(name) === region),
              ),
              ...said2
                .filter(
                  ({ regionalReplicaCount }) =>
                    regionalReplicaCount !== undefined,
                )
                .map(({ name }) => canonicalName(name)),
            ]),
        endOfLife:
          differs &&
          before !== undefined &&
          dateIn(before) ===
            (profile?.endOfLifeDate && Date.parse(profile.endOfLifeDate))
            ? had?.endOfLife
            : profile?.endOfLifeDate,
        excluded:
          profile?.excludeFromLatest === undefined ||
          (differs &&
            before !== undefined &&
            excludedIn(before) === profile.excludeFromLatest)
            ? (had?.excluded ?? false)
            : profile.excludeFromLatest,
        blocked:
          said.properties.safetyProfile?.blockDeletionBeforeEndOfLife === true,
      };
    }
  }
}

async function besides(
  told: Story,
  value: string,
): Promise<OperationRecord | undefined> {
  // Where the version is not shown yet, there is nothing to patch.
  const answer = await told.ask(
    patch(world, told.id, { tags: { beside: value } }),
  );
  return "operation" in answer ? answer.operation : undefined;
}

function edited(shown: ImageVersionRequest, edit: string): ImageVersionRequest {
  const copy = structuredClone(shown);
  const profile = copy.properties.publishingProfile;
  switch (edit) {
    case "tag":
      copy.tags = { ...copy.tags, c: "pasted" };
      return copy;
    case "count":
      for (const region of profile?.targetRegions ?? [])
        region.regionalReplicaCount = 2;
      return copy;
    case "no tags":
      delete copy.tags;
      return copy;
    case "no date":
      delete profile?.endOfLifeDate;
      return copy;
    default:
      return copy;
  }
}

test(
  "Succeeded is in Azure, whole; all else was refused by name",
  { timeout: 60_000 + RUNS * 20_000 },
  async () => {
    await fc.assert(fc.asyncProperty(story, run), {
      numRuns: RUNS,
      seed: Number(SIGIL_TRUTH_SEED),
      endOnFailure: process.env["SIGIL_TRUTH_SHRINK"] === undefined,
    });
  },
);

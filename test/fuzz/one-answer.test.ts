/**
 * Two instances are asked and killed, and others change and replace versions: no region is shown in a state that no look has shown, or as
 * Unknown though the instance has seen it, none by an older look than the instance had, none by a look of an earlier life; GET is at most
 * half a minute old.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalForm } from "../../src/image-version/properties/canonical-form.js";
import { noteSeen } from "../../src/image-version/note-seen.js";
import type { Dependencies } from "../../src/image-version/ports.js";
import { getImageVersion, listImageVersions } from "../../src/image-version/queries/get.js";
import { createLooks, seeing } from "../../src/image-version/queries/looks.js";
import { createSummaries } from "../../src/image-version/queries/summaries.js";
import { viewImageVersion } from "../../src/image-version/queries/views.js";
import { imageIdOf } from "../../src/resource-id.js";
import { idOf, request, startInProcess } from "../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { parametersFor } from "./run.js";

const OURS = seedVersionId("1.0.0");
const OTHERS = seedVersionId("2.0.0");
const IMAGE = imageIdOf(idOf(OURS));
const STEPS_PER_RUN = 25;
/** Sigil's limit for a GET, and for the list from Azure that is shared. */
const KEEP_MS = 30_000;

/** What an answer of Azure said of a version's regions, and to which instance. */
interface Answer {
  readonly by: string;
  readonly version: string;
  readonly life: string | undefined;
  readonly time: string;
  readonly states: Readonly<Record<string, string>>;
}

interface ShownRegion {
  readonly name: string;
  readonly state: string;
  readonly seenTime?: string | undefined;
}

const who = fc.constantFrom("A", "B");
const version = fc.constantFrom("1.0.0", "2.0.0");
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.integer({ min: 1, max: 400_000 }),
    }),
  },
  fc.record({
    do: fc.constant("state" as const),
    version,
    region: fc.constantFrom("westus", "eastus2"),
    state: fc.constantFrom("Failed" as const, "Completed" as const),
  }),
  fc.record({ do: fc.constant("replace" as const) }),
  fc.record({ do: fc.constant("kill" as const), who }),
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("look" as const, "get" as const), who, version }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("list" as const, "summary" as const), who }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

test("what is shown was seen, by the newest look of this life", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 2 * STEPS_PER_RUN }), play),
    parametersFor(5_000, STEPS_PER_RUN),
  );
});

async function play(steps: readonly Step[]): Promise<void> {
  const world = await startInProcess({ replicationMs: 60_000 });
  try {
    const { clock, deps, simulator } = world;
    const answers: Answer[] = [];
    let lifeSince = 0;
    const put = async (): Promise<void> => {
      await deps.resourceManager.putImageVersion(
        idOf(OTHERS),
        canonicalForm(managedImageRequest()),
      );
      lifeSince = clock.now();
    };
    await request(deps, OURS, managedImageRequest());
    await world.finish(OURS);
    await put();
    clock.advance(3_600_000);
    const { status } = (await world.read(OURS)).record;
    const note = (
      by: string,
      name: string,
      shown: NonNullable<typeof status>,
      time: string,
    ): void => {
      const states = Object.fromEntries(shown.regions.map((region) => [region.name, region.state]));
      answers.push({ by, version: name, life: shown.publishedDate, time, states });
    };
    if (status) note("", "1.0.0", status, status.time);

    const start = (by: string) => {
      const reader: Dependencies["resourceManager"] = {
        ...deps.resourceManager,
        getImageVersion: async (id) => {
          const shown = await deps.resourceManager.getImageVersion(id);
          if (shown)
            note(by, id.versionName, shown as NonNullable<typeof status>, deps.now().toISOString());
          return shown;
        },
      };
      const looks = createLooks(reader, deps.resources, deps.now);
      const own: Dependencies = { ...deps, looks, resourceManager: seeing(reader, looks) };
      return { by, own, summarize: createSummaries(own), began: answers.length };
    };
    const instances = new Map(["A", "B"].map((by) => [by, start(by)]));
    const of = (by: string) => instances.get(by) ?? start(by);

    const check = (
      by: string,
      name: string,
      regions: readonly ShownRegion[],
      maxAgeMs = Infinity,
    ): void => {
      const { began } = of(by);
      const ownLooks = answers.slice(began).filter((one) => one.by === by && one.version === name);
      const newest = ownLooks.at(-1);
      for (const region of regions) {
        const { seenTime } = region;
        if (seenTime === undefined) {
          expect(region.state, `${name} ${region.name}`).toBe("Unknown");
          const isSeen = newest !== undefined && Date.parse(newest.time) >= lifeSince;
          expect(isSeen, `${name} ${region.name} was seen`).toBe(false);
          continue;
        }
        const shown = answers.filter(
          ({ version: of, time, states }) =>
            of === name && time === seenTime && states[region.name] === region.state,
        );
        expect(shown, `${name} ${region.name} ${region.state} at ${seenTime}`).not.toEqual([]);
        const nowMs = clock.now();
        expect(nowMs - Date.parse(seenTime)).toBeLessThanOrEqual(maxAgeMs);
        // A list may be as old as it is kept.
        if (name === "2.0.0" && nowMs - lifeSince > KEEP_MS)
          expect(Date.parse(seenTime), "of this life").toBeGreaterThanOrEqual(lifeSince);
        if (newest !== undefined && newest.life === shown.at(-1)?.life)
          expect(Date.parse(seenTime), "the newest look").toBeGreaterThanOrEqual(
            Date.parse(newest.time),
          );
      }
    };

    for (const one of steps)
      if (one.do === "wait") clock.advance(one.ms);
      else if (one.do === "state") {
        const versionId = seedVersionId(one.version);
        await simulator.control.setRegionState({ versionId, region: one.region, state: one.state });
      } else if (one.do === "replace") {
        await deps.resourceManager.deleteImageVersion(idOf(OTHERS));
        clock.advance(120_000);
        await put();
        clock.advance(120_000);
      } else if (one.do === "kill") instances.set(one.who, start(one.who));
      else if (one.do === "look")
        await of(one.who).own.resourceManager.getImageVersion(idOf(seedVersionId(one.version)));
      else if (one.do === "get") {
        const { own } = of(one.who);
        const id = idOf(seedVersionId(one.version));
        const known = await getImageVersion(own, id);
        check(one.who, one.version, viewImageVersion(known, deps.now()).sigil.regions, KEEP_MS);
        await noteSeen(own, id, known.record);
      } else if (one.do === "list") {
        const { value } = await listImageVersions(of(one.who).own, IMAGE, 10, undefined);
        for (const known of value) {
          const { name, sigil } = viewImageVersion(known, deps.now());
          check(one.who, name, sigil.regions);
        }
      } else {
        clock.advance(3_000); // How long a summary is kept.
        const { view } = await of(one.who).summarize(IMAGE);
        for (const { name, seenTime, regions } of view.versions)
          check(
            one.who,
            name,
            regions.map((region) => ({ ...region, seenTime })),
          );
      }
  } finally {
    await world.close();
  }
}

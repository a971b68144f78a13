/** A creation whose region fails once or twice, with looks of random replicas and answers that are lost or refused. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld, nextVersionId } from "../../../support/one-world.js";
import {
  canonicalName,
  faultOn,
  inAzure,
  isExcluded,
  operation,
  operationIn,
  pass,
  plain,
  put,
  shownIn,
  showAs,
  type Shown,
} from "./support.js";

const { J10_RUNS = "40", J10_SEED = "1" } = process.env;
const MINUTE_MS = 60_000;
let world: InProcess;
inOneWorld({ replicationMs: 120_000, spread: 0 }, (given) => {
  world = given;
});

test("ends Succeeded, once Azure has every region, and no sooner", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 2),
      fc.boolean(),
      fc.array(
        fc.constantFrom(
          undefined,
          undefined,
          undefined,
          "reset-after-processing",
          "reset",
          "409",
          "429",
        ),
        { minLength: 200, maxLength: 200 },
      ),
      fc.array(fc.option(fc.nat(40), { nil: undefined, freq: 2 }), {
        minLength: 200,
        maxLength: 200,
      }),
      async (times, ruled, faults, looks) => {
        const id = nextVersionId();
        const { control } = world.simulator;
        control.clearFaults();
        await control.failRegion({ versionId: id, region: "eastus2", times });
        const history: { ms: number; shown: Shown }[] = [];
        const op = operationIn(
          await put(
            world,
            id,
            plain(
              [
                { name: "westus" },
                { name: "eastus2", regionalReplicaCount: 2 },
              ],
              ruled
                ? { sigil: { promotion: { when: "allRegionsReady" } } }
                : {},
            ),
          ),
        );
        const log: string[] = [];
        for (let tick = 0; ; tick += 1) {
          const current = await operation(world, op);
          if (current.endTime !== undefined) {
            const truth = await inAzure(world, id);
            const state = truth?.properties.replicationStatus?.summary.map(
              ({ region, state: one }) => `${canonicalName(region)} ${one}`,
            );
            if (
              current.status !== "Succeeded" ||
              state?.every((one) => one.endsWith("Completed")) !== true ||
              state.length !== 2 ||
              (await isExcluded(world, id))
            )
              throw new Error(
                `${current.status} ${JSON.stringify(current.error)} ${JSON.stringify(state)} excluded ${await isExcluded(world, id)} ${log.join(" ")} ${JSON.stringify(current.history.map((h) => h.message)).slice(0, 1500)}`,
              );
            break;
          }
          if (tick > 1_500)
            throw new Error(`no end ${JSON.stringify(current.waitReason)}`);
          const at = looks[tick % looks.length];
          const recent = history.filter(
            ({ ms }) => world.clock.now() - ms < 9 * MINUTE_MS,
          );
          const old =
            at === undefined
              ? undefined
              : recent[at % Math.max(1, recent.length)];
          if (old !== undefined) {
            showAs(world, id, old.shown);
            log.push(
              `${tick}:${Math.round((world.clock.now() - old.ms) / 1000)}s`,
            );
          }
          const fault = faults[tick % faults.length];
          if (fault !== undefined)
            faultOn(
              world,
              id,
              fault === "409" || fault === "429"
                ? { method: "PUT", status: Number(fault) }
                : { method: "PUT", action: fault },
            );
          await world.runDue();
          control.clearFaults();
          const shown = await inAzure(world, id);
          if (shown !== undefined && tick % 2 === 0)
            history.push({ ms: world.clock.now(), shown });
          world.clock.advance(15_000);
        }
        await pass(world, 20 * MINUTE_MS);
        const last = await shownIn(world, id);
        if (
          last.properties.publishingProfile.targetRegions.length !== 2 ||
          last.properties.safetyProfile?.[
            "allowDeletionOfReplicatedLocations"
          ] === true
        )
          throw new Error(
            `later ${JSON.stringify(last.properties.safetyProfile)}`,
          );
      },
    ),
    { numRuns: Number(J10_RUNS), seed: Number(J10_SEED), endOnFailure: true },
  );
  expect(true).toBe(true);
}, 600_000);

/** Several callers at random times, each with a tag or region of its own; looks of random replicas; answers lost or refused. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld, nextVersionId } from "../../../support/one-world.js";
import {
  canonicalName,
  faultOn,
  made,
  operation,
  operationIn,
  pass,
  patch,
  plain,
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

const caller = fc.record({
  tick: fc.nat(40),
  asks: fc.constantFrom<"tag" | "count" | "region">(
    "tag",
    "tag",
    process.env["J10_COUNT"] === "1" ? "count" : "region",
  ),
});

test("all end Succeeded, and Azure has what each has asked", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(caller, { minLength: 2, maxLength: 5 }),
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
        { minLength: 100, maxLength: 100 },
      ),
      fc.array(fc.option(fc.nat(40), { nil: undefined, freq: 2 }), {
        minLength: 100,
        maxLength: 100,
      }),
      async (callers, faults, looks) => {
        const id = nextVersionId();
        const { control } = world.simulator;
        control.clearFaults();
        await made(
          world,
          id,
          plain([{ name: "westus" }, { name: "eastus2" }], {
            tags: { a: "1" },
          }),
        );
        await pass(world, 11 * MINUTE_MS);
        const history: { ms: number; shown: Shown }[] = [
          { ms: world.clock.now(), shown: await shownIn(world, id) },
        ];
        const open: { id: string; i: number; asks: string }[] = [];
        const log: string[] = [];
        for (let tick = 0; ; tick += 1) {
          const at = looks[tick % looks.length];
          const recent = history.filter(
            ({ ms }) => world.clock.now() - ms < 9 * MINUTE_MS,
          );
          const old =
            at === undefined
              ? undefined
              : recent[at % Math.max(1, recent.length)];
          if (old !== undefined) showAs(world, id, old.shown);
          for (const [i, { asks, tick: when }] of callers.entries()) {
            if (when !== tick) continue;
            if (
              asks === "count" &&
              callers.findIndex((one) => one.asks === "count") !== i
            )
              continue;
            if (
              asks === "region" &&
              callers.findIndex((one) => one.asks === "region") !== i
            )
              continue;
            const answer =
              asks === "tag"
                ? await patch(world, id, { tags: { [`t${i}`]: "1" } })
                : asks === "count"
                  ? await patch(world, id, {
                      properties: {
                        publishingProfile: {
                          targetRegions: [
                            { name: "westus" },
                            { name: "eastus2", regionalReplicaCount: 3 },
                          ],
                        },
                      },
                    })
                  : await patch(world, id, {
                      properties: {
                        publishingProfile: {
                          targetRegions: [
                            { name: "westus" },
                            { name: "eastus2" },
                            { name: "eastus" },
                          ],
                        },
                      },
                    });
            log.push(`${tick} ${asks} ${answer.kind}`);
            open.push({ id: operationIn(answer).id, i, asks });
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
          const shown = await shownIn(world, id);
          history.push({ ms: world.clock.now(), shown });
          const ends = await Promise.all(
            open.map((one) => operation(world, one)),
          );
          for (const [n, one] of ends.entries()) {
            const asked = open[n];
            if (one.endTime === undefined || asked === undefined) continue;
            const regions = shown.properties.publishingProfile.targetRegions;
            const count = regions.find(
              ({ name }) => canonicalName(name) === "eastus2",
            )?.regionalReplicaCount;
            const isSo =
              asked.asks === "tag"
                ? shown.tags?.[`t${asked.i}`] === "1"
                : asked.asks === "count"
                  ? count === 3
                  : regions.some(
                      ({ name }) => canonicalName(name) === "eastus",
                    );
            if (one.status !== "Succeeded" || !isSo)
              throw new Error(
                `${asked.asks} ${one.status} ${JSON.stringify(one.error)} so: ${isSo} ${log.join(" | ")} ${JSON.stringify([shown.tags, count])}`,
              );
          }
          if (tick > 40 && ends.every(({ endTime }) => endTime !== undefined))
            break;
          if (tick > 1_000) throw new Error("no end");
          world.clock.advance(15_000);
        }
      },
    ),
    { numRuns: Number(J10_RUNS), seed: Number(J10_SEED), endOnFailure: true },
  );
  expect(true).toBe(true);
}, 600_000);

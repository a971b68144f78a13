/**
 * One caller, one request after the other, nobody else. Looks come of replicas: any of them may show the version as it was
 * at any time of the last ten minutes. Answers to PUTs may be lost or refused. What ended Succeeded, Azure has; and nothing
 * fails. `J10_RUNS` and `J10_SEED` make other runs.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld, nextVersionId } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  canonicalName,
  faultOn,
  inAzure,
  made,
  operation,
  operationIn,
  pass,
  patch,
  plain,
  put,
  showAs,
  shownIn,
  type Shown,
} from "./support.js";

const { J10_RUNS = "60", J10_SEED = "1" } = process.env;
const MINUTE_MS = 60_000;

let world: InProcess;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given) => {
  world = given;
});

const request = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant("tag" as const),
      name: fc.constantFrom("a", "b"),
      value: fc.constantFrom("1", "2"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant("count" as const),
      value: fc.constantFrom(1, 2),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constantFrom("promote" as const, "demote" as const),
    }),
  },
  {
    weight: process.env["J10_PUTS"] === "1" ? 5 : 0,
    arbitrary: fc.record({
      does: fc.constantFrom(
        "put" as const,
        "putAny" as const,
        "putPasted" as const,
      ),
      value: fc.constantFrom("1", "2"),
    }),
  },
  {
    weight: process.env["J10_REGIONS"] === "0" ? 0 : 2,
    arbitrary: fc.record({
      does: fc.constantFrom("remove" as const, "add" as const),
    }),
  },
);
const step = fc.record({
  request,
  waitMs: fc.constantFrom(0, 30_000, 120_000, 240_000),
  fault: fc.constantFrom(
    undefined,
    undefined,
    undefined,
    undefined,
    "reset-after-processing",
    "reset",
    "409",
    "429",
  ),
  cancels:
    process.env["J10_CANCELS"] === "1"
      ? fc.constantFrom(undefined, undefined, 0, 1, 2, 5)
      : fc.constant(undefined),
  /** Of each step, whether its look is old, and which one it is. */
  looks: fc.array(fc.option(fc.nat(20), { nil: undefined, freq: 3 }), {
    minLength: 30,
    maxLength: 30,
  }),
});

interface Snapshot {
  readonly ms: number;
  readonly shown: Shown;
}

test("what has Succeeded is so in Azure, whatever replicas show", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 2, maxLength: 7 }),
      async (steps) => {
        const id = nextVersionId();
        const { control } = world.simulator;
        control.clearFaults();
        await made(world, id, plain(undefined, { tags: { a: "1", b: "1" } }));
        await pass(world, 11 * MINUTE_MS);
        const history: Snapshot[] = [];
        const note = async (): Promise<Shown> => {
          const shown = await shownIn(world, id);
          history.push({ ms: world.clock.now(), shown });
          return shown;
        };
        await note();
        const log: string[] = [];
        for (const { request: asked, waitMs, fault, cancels, looks } of steps) {
          control.clearFaults();
          const now = await note();
          const regions = now.properties.publishingProfile.targetRegions.map(
            ({ name }) => canonicalName(name),
          );
          if (asked.does === "count" && !regions.includes("eastus2")) continue;
          if (asked.does === "remove" && !regions.includes("eastus2")) continue;
          if (asked.does === "add" && regions.includes("eastus2")) continue;
          const stale = (at: number | undefined): void => {
            if (at === undefined) return;
            const recent = history.filter(
              ({ ms }) => world.clock.now() - ms < 9 * MINUTE_MS,
            );
            const one = recent[at % Math.max(1, recent.length)];
            if (one !== undefined) showAs(world, id, one.shown);
          };
          const queue = [...looks];
          stale(queue.shift());
          let accepted;
          try {
            accepted =
              asked.does === "tag"
                ? await patch(world, id, {
                    tags: { [asked.name]: asked.value },
                  })
                : asked.does === "count"
                  ? await patch(world, id, {
                      properties: {
                        publishingProfile: {
                          targetRegions: [
                            { name: "westus" },
                            {
                              name: "eastus2",
                              regionalReplicaCount: asked.value,
                            },
                          ],
                        },
                      },
                    })
                  : asked.does === "promote" || asked.does === "demote"
                    ? {
                        kind: "accepted" as const,
                        operation: await byHand[asked.does](world, id),
                      }
                    : asked.does === "put" ||
                        asked.does === "putAny" ||
                        asked.does === "putPasted"
                      ? await put(
                          world,
                          id,
                          {
                            ...plain(
                              regions.map((name) => ({ name })),
                              { tags: { ...now.tags, a: asked.value } },
                            ),
                          },
                          asked.does === "putAny"
                            ? { ifMatch: "*" }
                            : asked.does === "putPasted"
                              ? { pasted: true }
                              : {},
                        )
                      : asked.does === "remove"
                        ? await put(
                            world,
                            id,
                            plain([{ name: "westus" }], {
                              tags: now.tags ?? {},
                            }),
                            { removeRegions: ["eastus2"] },
                          )
                        : await put(
                            world,
                            id,
                            plain(undefined, { tags: now.tags ?? {} }),
                          );
          } catch (error) {
            throw new Error(
              `refused ${JSON.stringify(asked)} after ${log.join(" | ")}: ${String(error)}`,
            );
          }
          control.clearFaults();
          log.push(
            `${JSON.stringify(asked)} ${accepted.kind}${fault ? ` ${fault}` : ""}${cancels === undefined ? "" : ` canceled at ${cancels}`}`,
          );
          let status = "unchanged";
          if (accepted.kind === "accepted") {
            const op = operationIn(accepted);
            const meets = fault;
            let met = false;
            for (let ticks = 0; ticks < 600; ticks += 1) {
              const current = await operation(world, op);
              if (current.endTime !== undefined) {
                status = current.status;
                if (status === "Failed")
                  throw new Error(
                    `Failed ${JSON.stringify(current.error)} after ${log.join(" | ")}`,
                  );
                break;
              }
              stale(queue.shift());
              if (meets !== undefined && !met)
                faultOn(
                  world,
                  id,
                  meets === "409" || meets === "429"
                    ? { method: "PUT", status: Number(meets) }
                    : { method: "PUT", action: meets },
                );
              await world.runDue();
              met ||=
                control.countRequests({ method: "PUT", path: `${id}\\?` }) > 0;
              control.clearFaults();
              if (cancels === ticks)
                await cancel(world, op).catch(() => undefined);
              await note();
              world.clock.advance(15_000);
            }
            if (status === "unchanged")
              throw new Error(`no end after ${log.join(" | ")}`);
          }
          control.clearRequests();
          log.push(status);
          if (status === "Canceled") {
            await pass(world, waitMs);
            await note();
            continue;
          }
          const truth = await note();
          const east = truth.properties.publishingProfile.targetRegions.find(
            ({ name }) => canonicalName(name) === "eastus2",
          );
          const state = truth.properties.replicationStatus?.summary.find(
            ({ region }) => canonicalName(region) === "eastus2",
          )?.state;
          const isSo =
            asked.does === "put" ||
            asked.does === "putAny" ||
            asked.does === "putPasted"
              ? truth.tags?.["a"] === asked.value
              : asked.does === "tag"
                ? truth.tags?.[asked.name] === asked.value
                : asked.does === "count"
                  ? (east?.regionalReplicaCount ?? 1) === asked.value
                  : asked.does === "promote"
                    ? truth.properties.publishingProfile.excludeFromLatest !==
                      true
                    : asked.does === "demote"
                      ? truth.properties.publishingProfile.excludeFromLatest ===
                        true
                      : asked.does === "remove"
                        ? east === undefined
                        : east !== undefined &&
                          (state === "Completed" ||
                            process.env["J10_ADDS"] === "0");
          if (!isSo)
            throw new Error(
              `said ${status}, not so: ${JSON.stringify(asked)} after ${log.join(" | ")} azure: ${JSON.stringify([truth.tags, east?.regionalReplicaCount, state, truth.properties.publishingProfile.excludeFromLatest])}`,
            );
          await pass(world, waitMs);
        }
        void inAzure;
      },
    ),
    {
      numRuns: Number(J10_RUNS),
      seed: Number(J10_SEED),
      endOnFailure: process.env["J10_SHRINK"] !== "1",
    },
  );
  expect(true).toBe(true);
}, 600_000);

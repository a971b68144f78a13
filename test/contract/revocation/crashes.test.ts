import { afterAll, beforeAll, expect, test } from "vitest";
import { keyOf } from "../../../src/resource-id.js";
import { revocationKeyOf } from "../../../src/revocation/record.js";
import { revokeImageVersion } from "../../../src/revocation/revoke.js";
import { crashRun, drive, sendOrLeave, type CrashRun } from "../../support/crash-runs.js";
import { CRASHES, type Crash } from "../../support/crashes.js";
import { idOf, revocationOf, startInProcess, type InProcess } from "../../support/dependencies.js";
import { nthOf } from "../../support/operation-ids.js";
import { define, inAzure, puts, shown } from "../image-version/rollbacks.js";
import { BY, REASON, Revocations } from "./support.js";

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000, spread: 0 });
});
afterAll(() => world.close());

interface Run extends CrashRun {
  readonly versions: Revocations;
}

async function startRun(crash: Crash): Promise<Run> {
  const image = await define(world);
  await inAzure(world, { "1.0.0": {}, "1.0.1": {} }, image);
  const versions = new Revocations(world, image);
  const bad = versions.id("1.0.1");
  return {
    versions,
    ...crashRun(world.deps, revocationKeyOf(bad), crash),
    otherKeys: [keyOf(bad)],
  };
}

async function revokeAll(runs: readonly Run[]): Promise<void> {
  world.simulator.control.clearRequests();
  await Promise.all(
    runs.map((run) =>
      sendOrLeave(world, run, (deps) =>
        revokeImageVersion(revocationOf(deps), {
          id: idOf(run.versions.id("1.0.1")),
          reason: REASON,
          ...BY,
        }),
      ),
    ),
  );
  await drive(world, runs);
}

async function expectRevoked(
  { name, key, versions }: Run,
  events: readonly string[],
): Promise<void> {
  const { revocations } = revocationOf(world.deps);
  const stored = await revocations.read(key);
  const id = stored && nthOf(stored.record, 1);
  expect(stored?.operation, name).toMatchObject({ id, status: "Succeeded" });
  expect(await shown(world, versions.image), name).toEqual(["1.0.0 latest", "1.0.1 held back"]);
  expect(
    events.filter((one) => one.startsWith(`${key}-`)),
    name,
  ).toEqual([`${id}/revoked`, `${id}/completed`]);
}

const eventIds = async (): Promise<string[]> => (await world.takeEvents()).map(({ id }) => id);

let calls: readonly string[];
beforeAll(async () => {
  const run = await startRun({ failure: undefined, redelivered: true });
  await revokeAll([run]);
  await expectRevoked(run, await eventIds());
  ({ calls } = run.process);
  expect(puts(world)).toBe(1);
});

for (const { title, at } of CRASHES)
  test(
    title,
    async () => {
      const runs: Run[] = [];
      for (const crash of at(calls)) runs.push(await startRun(crash));
      await revokeAll(runs);
      const events = await eventIds();
      for (const run of runs) await expectRevoked(run, events);
      expect(puts(world)).toBe(runs.length);
    },
    240_000,
  );

/** Others include a held-back version in some region between the end of its creation in Azure and the look that finds it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { request } from "../../support/dependencies.js";
import { HELD, WAVES, ruled, startRollouts, type Rollouts } from "./support.js";

let rollouts: Rollouts;
beforeEach(async () => {
  rollouts = await startRollouts();
});
afterEach(() => rollouts.close());

test.each([
  ["the first wave's, in waves", WAVES, { westus: false }, true],
  ["the second wave's, in waves", WAVES, { eastus2: false }, true],
  [
    "the version's, tested",
    { when: "tested", results: ["boot"] },
    { westus: true, eastus2: true },
    false,
  ],
])("%s is told", async (_, rule, own, isLatest) => {
  const { world, simulator } = rollouts;
  await request(world.deps, HELD, ruled(rule));
  const sent = () =>
    simulator.control.countRequests({ method: "PUT", path: HELD });
  for (let i = 0; sent() === 0 && i < 100; i += 1) await rollouts.step(1);
  expect(sent()).toBe(1);
  rollouts.clock.advance(3_600_000);
  await rollouts.exclude({ ...own }, false);
  await rollouts.pass(60);
  const events = await rollouts.takeEvents();
  expect(
    events.filter(({ type }) => /ChangedOutside|\.Promoted/u.test(type)),
  ).toMatchObject([
    ...(isLatest ? [{ type: "Sigil.ImageVersion.Promoted" }] : []),
    {
      type: "Sigil.ImageVersion.ChangedOutside",
      data: { changes: expect.any(Array) as unknown },
    },
  ]);
});

test("nothing is told where nobody has", async () => {
  await request(rollouts.world.deps, HELD, ruled(WAVES));
  await rollouts.pass(60);
  expect(
    (await rollouts.takeEvents()).filter(({ type }) =>
      type.endsWith("ChangedOutside"),
    ),
  ).toEqual([]);
});

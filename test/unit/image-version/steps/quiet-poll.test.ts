import { expect, onTestFinished, test } from "vitest";
import { putImageVersion } from "../../../../src/image-version/commands/put.js";
import { idOf, startInProcess, TRACEPARENT } from "../../../support/dependencies.js";
import { callsDuring } from "../../../support/functions.js";
import { managedImageRequest, seedVersionId } from "../../../support/requests.js";

/** Of a version of two regions with keys: functions, and their calls. */
const MOST_FUNCTIONS = 75;
const MOST_CALLS = 151;

test("what a poll costs that shows nothing new, ten times the same", async () => {
  const world = await startInProcess({ replicationMs: 400 * 3_600_000 });
  onTestFinished(() => world.close());
  const versionId = seedVersionId("1.0.0");
  await putImageVersion(world.deps, {
    id: idOf(versionId),
    body: managedImageRequest(),
    requestedBy: { appId: "operator" },
    traceparent: TRACEPARENT,
  });
  const poll = async (): Promise<Readonly<Record<string, number>>> => {
    const { record } = await world.read(versionId);
    world.clock.advance(Math.max(0, Date.parse(record.dueTime) - world.clock.now()));
    const message = (await world.takeDue()).find(({ step }) => step === record.step);
    if (message === undefined) throw new TypeError("no step is due");
    return callsDuring(() => world.handle(message));
  };
  // Created, first seen, followed, and paced.
  for (let polls = 0; polls < 4; polls += 1) await poll();
  const first = await poll();
  for (let polls = 1; polls < 10; polls += 1) expect(await poll()).toEqual(first);
  const { state, status } = (await world.read(versionId)).record;
  expect([state, status?.provisioningState]).toEqual(["Replicating", "Creating"]);
  const counts = Object.values(first);
  expect(counts.length).toBeLessThanOrEqual(MOST_FUNCTIONS);
  expect(counts.reduce((sum, calls) => sum + calls)).toBeLessThanOrEqual(MOST_CALLS);
});

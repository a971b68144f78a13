/** Others change a version: the whole app's timer tells it, and puts back what it is to. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import {
  pathOf,
  type ApiClient,
  type ImageVersion,
  type Operation,
} from "../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";

let stack: Stack;
let writer: ApiClient;
beforeAll(async () => {
  stack = await Stack.start({
    simulator: { replication: { durationMs: 500 } },
    settings: {
      SIGIL_DRIFT_SCHEDULE: "* * * * * *",
      SIGIL_STALE_LOOK_SECONDS: "1",
      SIGIL_CONFIRM_SECONDS: "1",
    },
  });
  writer = await stack.client(await stack.startHost(), ["ImageVersions.Write"]);
});
afterAll(() => stack.close());

const POLL = { interval: 200 };

async function published(number: string, more: object): Promise<string> {
  const versionId = seedVersionId(number);
  const { body, status } = await writer.put(versionId, {
    ...managedImageRequest(),
    ...more,
  });
  expect(status).toBe(202);
  await expect
    .poll(
      async () =>
        (await writer.request<Operation>("GET", `/operations/${body.id}`)).body
          .status,
      POLL,
    )
    .toBe("Succeeded");
  return versionId;
}

const get = (versionId: string) =>
  writer.request<ImageVersion>("GET", pathOf(versionId));

test("a tag that others have changed is told, and put back where the version says so", async () => {
  const kept = await published("1.0.0", {
    tags: { a: "1" },
    sigil: { drift: "correct" },
  });
  expect((await get(kept)).body.sigil.drift).toBe("correct");
  await stack.simulator.editVersion({
    versionId: kept,
    tags: { a: "theirs" },
  });
  const isTold = ({ type, subject }: CloudEvent): boolean =>
    subject === kept && type === "Sigil.ImageVersion.ChangedOutside";
  await stack.events.until((events) => events.some(isTold));
  await expect
    .poll(
      async () =>
        (
          await writer.request<{ value: Operation[] }>(
            "GET",
            "/operations?status=Succeeded",
          )
        ).body.value.map(({ requestedBy }) => requestedBy?.name),
      POLL,
    )
    .toContain("drift");
  expect((await get(kept)).body.tags).toEqual({ a: "1" });
});

/** Others change a version: the whole app's timer tells it, and how to put it back. */
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
      async () => (await writer.request<Operation>("GET", `/operations/${body.id}`)).body.status,
      POLL,
    )
    .toBe("Succeeded");
  return versionId;
}

const get = (versionId: string) => writer.request<ImageVersion>("GET", pathOf(versionId));

test("a tag that others have changed is told, with the PATCH that puts it back", async () => {
  const versionId = await published("1.0.0", { tags: { a: "1" } });
  await stack.simulator.editVersion({ versionId, tags: { a: "theirs" } });
  const isTold = ({ type, subject }: CloudEvent): boolean =>
    subject === versionId && type === "Sigil.ImageVersion.ChangedOutside";
  const event = (await stack.events.until((events) => events.some(isTold))).find(isTold);
  const { body } = await get(versionId);
  const request = `PATCH /api${versionId} {"tags":{"a":"1"}}`;
  expect(body.sigil.conditions).toMatchObject([
    { type: "ChangedOutside", fields: ["/tags/a"], whatToDo: { request } },
  ]);
  expect(event?.data).toMatchObject({ whatToDo: { request } });

  // What was read may be sent back, conditions in it: it asks nothing.
  expect((await writer.put(versionId, body)).status).toBe(200);
  const { status } = await writer.request("PATCH", pathOf(versionId), {
    body: { tags: { a: "1" } },
  });
  expect(status).toBe(202);
  await expect.poll(async () => (await get(versionId)).body.tags, POLL).toEqual({ a: "1" });
  expect((await get(versionId)).body.sigil).not.toHaveProperty("conditions");
});

/** A key goes bad after its version was published: it is told, shown, holds a promotion back, and no more once it is mended. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { components } from "../../src/generated/openapi.js";
import { pathOf, type ApiClient, type ImageVersion, type Problem } from "../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";

type Schemas = components["schemas"];

const VERSION = seedVersionId("1.0.0");
const IMAGE = pathOf(VERSION).replace(/\/versions\/.*$/u, "");

let stack: Stack;
let api: ApiClient;
beforeAll(async () => {
  stack = await Stack.start({
    simulator: { replication: { durationMs: 500 } },
    settings: { SIGIL_KEY_GUARDIAN_SCHEDULE: "* * * * * *" },
  });
  const host = await stack.startHost();
  api = await stack.client(host, ["ImageVersions.Write"]);
});
afterAll(() => stack.close());

async function setKey(attributes: object): Promise<void> {
  const key = stack.simulator
    .resources()
    .find(({ id }) => id.endsWith("/keys/WestUSDiskEncryptionSet1"));
  if (key === undefined) throw new Error("the key is not there");
  await stack.simulator.putResource({
    ...key,
    properties: { ...key.properties, attributes },
  });
}

const told = (type: string) =>
  stack.events.until((events) =>
    events.some((event) => event.type === `Sigil.ImageVersion.${type}`),
  );
const shown = async () => {
  const version = await api.request<ImageVersion>("GET", pathOf(VERSION));
  const list = await api.request<{ value: ImageVersion[] }>("GET", `${IMAGE}/versions`);
  const [listed] = list.body.value;
  // A list has no sets.
  const keysIn = (one: ImageVersion | undefined) => ({
    ...one?.sigil.keys,
    sets: undefined,
  });
  expect(keysIn(listed)).toEqual(keysIn(version.body));
  return version.body;
};

test("from the first look to the promotion", async () => {
  const body = managedImageRequest();
  await api.put(VERSION, {
    ...body,
    properties: {
      ...body.properties,
      publishingProfile: {
        ...body.properties.publishingProfile,
        excludeFromLatest: true,
      },
    },
  });
  await stack.events.ended(VERSION);
  await expect.poll(async () => (await shown()).sigil.keys?.state).toBe("Safe");

  await setKey({ enabled: false });
  await told("KeyAtRisk");
  const version = await shown();
  expect(version.sigil.keys).toMatchObject({
    state: "AtRisk",
    problems: [{ code: "KeyDisabled", severity: "error", regions: ["westus"] }],
    notSeen: [],
  });
  await expect
    .poll(async () => (await api.request<Schemas["ImageSummary"]>("GET", `${IMAGE}/summary`)).body)
    .toMatchObject({
      versions: [{ name: "1.0.0", keys: "AtRisk" }],
      keys: expect.arrayContaining([
        expect.objectContaining({
          problems: [expect.objectContaining({ code: "KeyDisabled" })],
        }),
      ]) as unknown,
    });
  const refused = await api.request<Problem>("POST", `${pathOf(VERSION)}/promote`);
  expect(refused).toMatchObject({
    status: 409,
    body: { code: "KeyAtRisk", errors: [{ code: "KeyDisabled" }] },
  });
  // What GET has answered is taken back.
  expect((await api.put(VERSION, version)).status).toBe(200);

  await setKey({ enabled: true });
  await told("KeySafe");
  expect((await shown()).sigil.keys?.state).toBe("Safe");
  const promotion = await api.request("POST", `${pathOf(VERSION)}/promote`);
  expect(promotion.status).toBe(202);
});

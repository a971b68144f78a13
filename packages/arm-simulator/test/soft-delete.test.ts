import { beforeEach, describe, expect, test } from "vitest";
import {
  COMPUTE,
  DEFINITION,
  DURATION_MS,
  encryptedVersion,
  get,
  GROUP,
  plainVersion,
  put,
  startForEach,
  submit,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

const V = versionId("1.0.0");
const GALLERY = `${COMPUTE}/galleries/MyGallery`;
const DAY_MS = 24 * 60 * 60_000;

let h: Harness;
startForEach((started) => (h = started));
beforeEach(() => register());

const register = () =>
  h.control("setRegistrationState", {
    subscriptionId: SUBSCRIPTION,
    namespace: "Microsoft.Compute",
    feature: "SIGSoftDelete",
    state: "Registered",
  });

const setPolicy = (softDeletePolicy: object) =>
  h.call("PATCH", GALLERY, { body: { properties: { softDeletePolicy } } });
const enable = (more: object = {}) => setPolicy({ isSoftDeleteEnabled: true, ...more });

const list = async () => {
  const { body } = await h.call(
    "GET",
    `${GALLERY}/softdeletedartifacttypes/Images/artifacts/MyImage/versions`,
  );
  return body["value"];
};

const restore = (location = "westus") =>
  h.call("PUT", V, { body: { location, properties: { restore: true } } });

/** A version that Azure has made, and deleted as the gallery says. */
async function deleted(query = "") {
  await submit(h.client, "1.0.0", encryptedVersion());
  h.clock.advance(DURATION_MS);
  expect((await h.call("DELETE", `${V}${query}`)).status).toBe(202);
  h.clock.advance(DURATION_MS);
}

describe("in a gallery that deletes softly", () => {
  beforeEach(() => enable());

  test("a deleted version is gone from GET and LIST, and listed apart with its times", async () => {
    await deleted();
    await expect(get(h.client, "1.0.0")).rejects.toMatchObject({
      statusCode: 404,
    });
    expect((await h.call("GET", `${DEFINITION}/versions`)).body).toEqual({
      value: [],
    });
    const items = h.client.softDeletedResource.listByArtifactName(
      GROUP,
      "MyGallery",
      "Images",
      "MyImage",
    );
    const names: (string | undefined)[] = [];
    for await (const { resourceArmId } of items) names.push(resourceArmId);
    expect(names).toEqual([V]);
    const [{ properties }] = (await list()) as [{ properties: Record<string, string> }];
    const { softDeletedTime = "", consumptionEndTime, hardDeletionTargetTime } = properties;
    const week = new Date(Date.parse(softDeletedTime) + 7 * DAY_MS);
    expect(consumptionEndTime).toBe(week.toISOString());
    expect(hardDeletionTargetTime).toBe(week.toISOString());
  });

  test("is not soft-deleted before the deletion has ended", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    h.clock.advance(DURATION_MS);
    await h.call("DELETE", V);
    expect(await list()).toEqual([]);
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Deleting");
    h.clock.advance(DURATION_MS);
    expect(await list()).toHaveLength(1);
  });

  test("restore gives the version back as it was", async () => {
    await submit(h.client, "1.0.0", encryptedVersion({ tags: { a: "b" } }));
    h.clock.advance(DURATION_MS);
    const before = await get(h.client, "1.0.0", true);
    await h.call("DELETE", V);
    h.clock.advance(DURATION_MS);
    const { status, headers } = await restore();
    expect(status).toBe(200);
    expect(headers.get("azure-asyncoperation")).not.toBeNull();
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Updating");
    expect((await restore()).status).toBe(200);
    h.clock.advance(DURATION_MS);
    expect(await get(h.client, "1.0.0", true)).toEqual(before);
    expect(await list()).toEqual([]);
    expect(h.simulator.control.creates(V)).toBe(1);
  });

  test("the number is not free until it is deleted for good", async () => {
    await deleted();
    expect(await put(h, V, {})).toMatchObject({
      status: 409,
      body: {
        error: {
          code: "Conflict",
          message: expect.stringContaining("is soft-deleted.") as string,
        },
      },
    });
    expect((await h.call("DELETE", V)).status).toBe(204);
    expect(await list()).toHaveLength(1);
    expect((await h.call("DELETE", `${V}?bypassSoftDelete=true`)).status).toBe(204);
    expect(await list()).toEqual([]);
    expect((await put(h, V, {})).status).toBe(201);
  });

  test.each([
    ["a PUT of its home region and nothing else", "PUT", { location: "westus" }],
    ["a PATCH with restore: true", "PATCH", { properties: { restore: true, storageProfile: {} } }],
  ])("%s restores it, too", async (_title, method, body) => {
    await deleted();
    expect((await h.call(method, V, { body })).status).toBe(200);
    h.clock.advance(DURATION_MS);
    expect(await get(h.client, "1.0.0")).toMatchObject({
      provisioningState: "Succeeded",
    });
    expect(await list()).toEqual([]);
  });

  test("bypassSoftDelete deletes for good at once", async () => {
    await deleted("?bypassSoftDelete=true");
    expect(await list()).toEqual([]);
    expect(await restore()).toMatchObject({ status: 404 });
  });

  test("a deletion of its place in the list deletes for good, once", async () => {
    await deleted();
    const place = `${GALLERY}/softDeletedArtifactTypes/Images/artifacts/MyImage/versions/1.0.0`;
    expect((await h.call("DELETE", place)).status).toBe(200);
    expect(await list()).toEqual([]);
    expect((await h.call("DELETE", place)).status).toBe(404);
    expect((await put(h, V, {})).status).toBe(201);
  });

  test("restore is refused elsewhere than in the home region, and of what is not soft-deleted", async () => {
    await deleted();
    expect(await restore("eastus2")).toMatchObject({
      status: 409,
      body: { error: { code: "InvalidResourceLocation" } },
    });
    await restore();
    h.clock.advance(DURATION_MS);
    expect(
      await h.call("PUT", V, {
        body: {
          location: "westus",
          properties: { restore: true, storageProfile: {} },
        },
      }),
    ).toMatchObject({
      status: 409,
      body: {
        error: {
          code: "Conflict",
          message: expect.stringContaining("nothing to restore") as string,
        },
      },
    });
  });

  test("definition and gallery cannot be deleted while a soft-deleted version is there", async () => {
    await deleted();
    for (const id of [DEFINITION, GALLERY])
      expect(await h.call("DELETE", id)).toMatchObject({
        status: 409,
        body: { error: { code: "CannotDeleteResource" } },
      });
    h.clock.advance(7 * DAY_MS);
    expect((await h.call("DELETE", DEFINITION)).status).toBe(200);
    expect((await h.call("DELETE", GALLERY)).status).toBe(200);
  });

  test("a failed version cannot be deleted, but with bypassSoftDelete", async () => {
    await h.control("failRegion", { versionId: V, region: "eastus2" });
    await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS);
    expect(await h.call("DELETE", V)).toMatchObject({
      status: 409,
      body: {
        error: {
          message: expect.stringContaining("cannot be soft-deleted") as string,
        },
      },
    });
    expect((await h.call("DELETE", `${V}?bypassSoftDelete=true`)).status).toBe(202);
  });

  test("a virtual machine may name it by number, though none gets it as the latest", async () => {
    await deleted();
    const make = (id: string) =>
      h.client.virtualMachines.createOrUpdate(GROUP, "tester", {
        location: "westus",
        storageProfile: { imageReference: { id } },
        osProfile: {
          computerName: "tester",
          adminUsername: "tester",
          adminPassword: "Long-enough-1",
        },
      });
    await expect(make(DEFINITION)).rejects.toMatchObject({
      code: "GalleryImageNotFound",
    });
    await make(V);
    await h.client.virtualMachines.delete(GROUP, "tester");
    h.clock.advance(7 * DAY_MS);
    await expect(make(V)).rejects.toMatchObject({
      code: "GalleryImageNotFound",
    });
  });

  test("stays restorable where the gallery deletes for good from then on", async () => {
    await deleted();
    await setPolicy({ isSoftDeleteEnabled: false });
    expect(await list()).toHaveLength(1);
    expect((await restore()).status).toBe(200);
  });
});

test("a policy's own retention and grace: unusable after the one, gone after the other", async () => {
  await enable({ retentionPeriodInDays: 2, gracePeriodInDays: 3 });
  await deleted();
  const make = () =>
    h.client.virtualMachines.createOrUpdate(GROUP, "tester", {
      location: "westus",
      storageProfile: { imageReference: { id: V } },
    });
  h.clock.advance(2 * DAY_MS);
  await expect(make()).rejects.toMatchObject({ code: "GalleryImageNotFound" });
  expect(await list()).toHaveLength(1);
  h.clock.advance(3 * DAY_MS);
  expect(await list()).toEqual([]);
  expect((await put(h, V, {})).status).toBe(201);
});

test("a gallery cannot enable it while the feature is not registered", async () => {
  await h.control("setRegistrationState", {
    subscriptionId: SUBSCRIPTION,
    namespace: "Microsoft.Compute",
    feature: "SIGSoftDelete",
    state: "NotRegistered",
  });
  expect(await enable()).toMatchObject({
    status: 400,
    body: {
      error: {
        code: "SubscriptionNotRegisteredForFeature",
        target: "Microsoft.Compute/SIGSoftDelete",
      },
    },
  });
});

test("a gallery without the policy deletes for good", async () => {
  await deleted();
  expect(await list()).toEqual([]);
  expect((await put(h, V, {})).status).toBe(201);
});

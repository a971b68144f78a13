import { describe, expect, test } from "vitest";
import { actionOf } from "../src/authorization.js";
import {
  COMPUTE,
  DEFINITION,
  encryptedVersion,
  GROUP,
  put,
  region,
  setId,
  startForEach,
  submit,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

const SCOPE = `/subscriptions/${SUBSCRIPTION}`;
const READ_SET = "Microsoft.Compute/diskEncryptionSets/read";

let h: Harness;
startForEach((started) => (h = started));

const forbidden = (action: string, scope: string) => ({
  status: 403,
  body: {
    error: {
      code: "AuthorizationFailed",
      message: expect.stringMatching(
        new RegExp(
          `^The client '[^']+' with object id '[^']+' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid\\. If access was recently granted, please refresh your credentials\\.$`,
          "u",
        ),
      ) as string,
    },
  },
});

describe("a denied action", () => {
  test("is refused in ARM's words, and allowed again", async () => {
    const set = setId("WestUSDiskEncryptionSet1");
    await h.simulator.control.denyAction({ action: READ_SET, scope: SCOPE });
    expect(h.simulator.control.deniedActions()).toEqual([{ action: READ_SET, scope: SCOPE }]);
    expect(await h.call("GET", set)).toMatchObject(forbidden(READ_SET, set));
    expect((await h.call("GET", set)).headers.get("x-ms-failure-cause")).toBe("gateway");
    await expect(
      h.client.diskEncryptionSets.get(GROUP, "WestUSDiskEncryptionSet1"),
    ).rejects.toMatchObject({ statusCode: 403, code: "AuthorizationFailed" });
    await h.simulator.control.allowAction({ action: READ_SET.toLowerCase() });
    expect(await h.call("GET", set)).toMatchObject({ status: 200 });
    expect(h.simulator.control.deniedActions()).toEqual([]);
  });

  test("is refused at its scope and below alone, and whether the resource is there or not", async () => {
    const scope = setId("WestUSDiskEncryptionSet1").toUpperCase();
    await h.simulator.control.denyAction({ action: READ_SET, scope });
    const status = async (path: string) => (await h.call("GET", path)).status;
    expect(await status(setId("WestUSDiskEncryptionSet1"))).toBe(403);
    expect(await status(setId("WestUSDiskEncryptionSet2"))).toBe(200);
    expect(await status(setId("WestUSDiskEncryptionSet11"))).toBe(404);
    expect(await status(`${COMPUTE}/images/myImage`)).toBe(200);
    await h.simulator.control.removeResource(scope);
    expect(await status(setId("WestUSDiskEncryptionSet1"))).toBe(403);
    await h.simulator.control.allowAction({
      action: READ_SET,
      scope: setId("WestUSDiskEncryptionSet2"),
    });
    expect(await status(setId("WestUSDiskEncryptionSet1"))).toBe(403);
  });

  test("names the client and the object of the token", async () => {
    await h.simulator.control.denyAction({
      action: "Microsoft.Resources/subscriptions/locations/read",
      scope: SCOPE,
    });
    const { body } = await h.call("GET", `${SCOPE}/locations`, {
      claims: {
        appId: "5f0c8b9e-0000-4000-8000-000000000002",
        subject: "5f0c8b9e-0000-4000-8000-000000000001",
      },
    });
    expect(body).toMatchObject({
      error: {
        message: expect.stringContaining(
          "The client '5f0c8b9e-0000-4000-8000-000000000002' with object id '5f0c8b9e-0000-4000-8000-000000000001' does",
        ) as string,
      },
    });
  });

  test("holds back a write, and nothing is created", async () => {
    const action = "Microsoft.Compute/galleries/images/versions/write";
    await h.simulator.control.denyAction({ action, scope: DEFINITION });
    expect(await put(h, versionId("1.0.0"), {})).toMatchObject(
      forbidden(action, versionId("1.0.0")),
    );
    expect(h.simulator.control.creates(versionId("1.0.0"))).toBe(0);
  });

  test.each([
    [
      "POST",
      `${SCOPE}/providers/Microsoft.Compute/register`,
      "Microsoft.Compute/register/action",
      SCOPE,
    ],
    [
      "POST",
      `${SCOPE}/providers/Microsoft.Features/providers/Microsoft.Compute/features/SIGEncryption/register`,
      "Microsoft.Features/providers/features/register/action",
      `${SCOPE}/providers/Microsoft.Features/providers/Microsoft.Compute/features/SIGEncryption`,
    ],
    [
      "GET",
      `${SCOPE}/providers/Microsoft.Compute`,
      "Microsoft.Resources/subscriptions/providers/read",
      SCOPE,
    ],
  ])("%s %s is %s", async (method, path, action, scope) => {
    await h.simulator.control.denyAction({ action, scope: SCOPE });
    expect(await h.call(method, path)).toMatchObject(forbidden(action, scope));
  });
});

describe("a version whose sources or sets may not be read", () => {
  test("is LinkedAuthorizationFailed, naming each action and scope", async () => {
    const scopes = [setId("EastUS2DiskEncryptionSet1"), setId("EastUS2DiskEncryptionSet2")];
    for (const scope of scopes) await h.simulator.control.denyAction({ action: READ_SET, scope });
    expect(
      await put(h, versionId("1.0.0"), {
        targetRegions: [region("westus", "WestUS"), region("eastus2", "EastUS2")],
      }),
    ).toMatchObject({
      status: 403,
      body: {
        error: {
          code: "LinkedAuthorizationFailed",
          message: expect.stringMatching(
            new RegExp(
              `^The client '.+' with object id '.+' has permission to perform action 'Microsoft.Compute/galleries/images/versions/write' on scope '${versionId("1.0.0")}'; however, it does not have permission to perform action\\(s\\) '${READ_SET},${READ_SET}' on the linked scope\\(s\\) '${scopes.join(",")}' \\(respectively\\) or the linked scope\\(s\\) are invalid\\.$`,
              "u",
            ),
          ) as string,
        },
      },
    });
    await expect(submit(h.client, "1.0.0", encryptedVersion())).rejects.toMatchObject({
      statusCode: 403,
      code: "LinkedAuthorizationFailed",
    });
    expect(h.simulator.control.creates(versionId("1.0.0"))).toBe(0);
  });

  test("is refused for its source, too", async () => {
    await h.simulator.control.denyAction({
      action: "Microsoft.Compute/images/read",
      scope: SCOPE,
    });
    expect(await put(h, versionId("1.0.0"), {})).toMatchObject({
      status: 403,
      body: { error: { code: "LinkedAuthorizationFailed" } },
    });
  });
});

test("the control endpoint denies, too", async () => {
  const { status } = await h.call("POST", "/simulator/denyAction", {
    body: { action: READ_SET, scope: SCOPE },
  });
  expect(status).toBe(200);
  expect(await h.call("GET", setId("WestUSDiskEncryptionSet1"))).toMatchObject({
    status: 403,
  });
});

test.each<[string, string, string | undefined, string?]>([
  ["GET", "/subscriptions/s", "Microsoft.Resources/subscriptions/read", "/subscriptions/s"],
  [
    "GET",
    "/subscriptions/s/locations",
    "Microsoft.Resources/subscriptions/locations/read",
    "/subscriptions/s",
  ],
  [
    "GET",
    "/subscriptions/s/resourceGroups/g",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "/subscriptions/s/resourceGroups/g",
  ],
  [
    "GET",
    "/subscriptions/s/providers/Microsoft.Compute/disks",
    "Microsoft.Compute/disks/read",
    "/subscriptions/s",
  ],
  [
    "GET",
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks",
    "Microsoft.Compute/disks/read",
    "/subscriptions/s/resourceGroups/g",
  ],
  [
    "DELETE",
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/x/images/y",
    "Microsoft.Compute/galleries/images/delete",
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/x/images/y",
  ],
  [
    "GET",
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/x/images",
    "Microsoft.Compute/galleries/images/read",
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/x",
  ],
  ["GET", "/subscriptions", undefined],
])("%s %s is the action %s", (method, path, action, scope) => {
  expect(actionOf(method, path)).toEqual(action === undefined ? undefined : { action, scope });
});

import { expect, test } from "vitest";
import { GROUP, setId, startForAll, SUBSCRIPTION, type Harness } from "./harness.js";

const VAULT = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}/providers/Microsoft.KeyVault/vaults/keys-westus`;
const KEY = `${VAULT}/keys/WestUSDiskEncryptionSet1`;
const VERSION = `${KEY}/versions/8e1f3c5b7a9d4e2f8b6c1a3d5e7f9b0c`;

let h: Harness;
startForAll((started) => {
  h = started;
});

test("the key of a set is read by its name and by its version", async () => {
  const { body } = await h.call("GET", setId("WestUSDiskEncryptionSet1"));
  const { activeKey } = body["properties"] as {
    activeKey: { keyUrl: string; sourceVault: { id: string } };
  };
  expect(activeKey.sourceVault.id).toBe(VAULT);
  for (const id of [KEY, VERSION])
    expect(await h.call("GET", id)).toMatchObject({
      status: 200,
      body: {
        id,
        properties: {
          attributes: { enabled: true },
          keyUriWithVersion: activeKey.keyUrl,
        },
      },
    });
});

test.each([`${KEY}x`, `${KEY}/versions/other`, `${VAULT}x`, `${VAULT}x/keys/a`])(
  "%s is not there",
  async (id) => {
    expect(await h.call("GET", id)).toMatchObject({
      status: 404,
      body: { error: { code: "ResourceNotFound" } },
    });
  },
);

test("what a vault had is gone with it, and who may not read a key is told so", async () => {
  await h.control("denyAction", {
    action: "Microsoft.KeyVault/vaults/keys/read",
    scope: VAULT,
  });
  expect(await h.call("GET", KEY)).toMatchObject({ status: 403 });
  await h.control("removeResource", VAULT);
  expect(await h.call("GET", VERSION)).toMatchObject({ status: 404 });
});

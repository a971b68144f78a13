import { readFile } from "node:fs/promises";
import { ManagedIdentityCredential } from "@azure/identity";
import { afterEach, expect, test, vi } from "vitest";
import { createCredential } from "../../../src/azure/adapters.js";
import { PRODUCT_FILES } from "../../support/product-files.js";

afterEach(() => vi.restoreAllMocks());

test.each([undefined, "client"])(
  "Sigil is its managed identity and nobody else, with the client id %j",
  async (managedIdentityClientId) => {
    const token = { token: "of the identity", expiresOnTimestamp: 0 };
    const getToken = vi
      .spyOn(ManagedIdentityCredential.prototype, "getToken")
      .mockResolvedValue(token);
    const credential = createCredential({ managedIdentityClientId });
    expect(await credential.getToken("scope")).toBe(token);
    expect(await credential.getToken("scope")).toBe(token);
    const [identity, ...others] = new Set(getToken.mock.contexts);
    expect(others).toEqual([]);
    expect(identity).toHaveProperty("clientId", managedIdentityClientId);
  },
);

test("the product knows no credential of a developer", async () => {
  const texts = await Promise.all(PRODUCT_FILES.map((file) => readFile(file, "utf8")));
  expect(texts.length).toBeGreaterThan(100);
  const called = texts.flatMap((text) => text.match(/\w+Credential\b(?=\()/gu) ?? []);
  expect(new Set(called)).toEqual(new Set(["createCredential", "ManagedIdentityCredential"]));
});

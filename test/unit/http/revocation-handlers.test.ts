import { HttpRequest, InvocationContext, type HttpResponseInit } from "@azure/functions";
import { beforeEach, expect, test } from "vitest";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { imageVersionHandlers } from "../../../src/http/image-version-handlers.js";
import { revocationHandlers } from "../../../src/http/revocation-handlers.js";
import { createWorld, type World } from "../../support/world.js";
import { document, responseMistakes, validator } from "./contract/document.js";

const VERSION = {
  subscriptionId: "00000000-0000-0000-0000-000000000000",
  resourceGroupName: "rg",
  galleryName: "g",
  imageName: "it",
  versionName: "1.9.0",
};
const URL = `https://sigil.example/api/subscriptions/${VERSION.subscriptionId}/resourceGroups/rg/galleries/g/images/it/versions/1.9.0`;

let world: World;
beforeEach(() => {
  world = createWorld();
});

/** Calls as a person of that role does, and holds the answer to the document. */
async function call(
  id: "revokeImageVersion" | "getMachineCommands",
  [objectId, role]: readonly [string, string],
  { path, body }: { readonly path: string; readonly body?: object },
): Promise<Record<string, unknown>> {
  const endpoint = createEndpoint({
    document,
    validator,
    authenticator: {
      authenticate: () =>
        Promise.resolve({
          objectId,
          name: objectId,
          appId: "cli",
          roles: [`ImageVersions.${role}`],
        }),
    },
  });
  const { imageVersions, revocation } = world.deps;
  const handlers = {
    ...imageVersionHandlers(
      endpoint,
      imageVersions,
      () => [],
      () => Promise.resolve({}),
      revocation.revocations,
    ),
    ...revocationHandlers(endpoint, revocation),
  };
  const response = (await handlers[id](
    new HttpRequest({
      method: body === undefined ? "GET" : "POST",
      url: `${URL}/${path}`,
      headers: { "content-type": "application/json" },
      params: VERSION,
      query: Object.fromEntries(new URLSearchParams(path.split("?")[1] ?? "")),
      ...(body !== undefined && { body: { string: JSON.stringify(body) } }),
    }),
    new InvocationContext({ invocationId: "1", functionName: "test" }),
  )) as HttpResponseInit;
  const answer = JSON.parse(response.body as string) as Record<string, unknown>;
  const { "Content-Type": mediaType = "" } = response.headers as Record<string, string>;
  expect(responseMistakes(id, response.status ?? 0, mediaType, answer)).toEqual([]);
  return answer;
}

const revoke = (by: readonly [string, string], reason: string, dryRun = true) =>
  call("revokeImageVersion", by, {
    path: "revoke",
    body: { reason, ...(dryRun && { dryRun }) },
  });
const KEPT = expect.objectContaining({ code: "BanKept" }) as unknown;

test("a Writer does not change the words of another person's revocation; its author and an Admin do", async () => {
  await revoke(["ann", "Write"], "CVE-2026-1234", false);
  const words = "It is harmless.";
  expect((await revoke(["bob", "Write"], words)).findings).toContainEqual(KEPT);
  for (const by of [
    ["ann", "Write"],
    ["bob", "Admin"],
  ] as const)
    expect((await revoke(by, words)).findings).not.toContainEqual(KEPT);
});

test("the commands for a machine of a revoked version warn, and name the reason", async () => {
  const commands = () =>
    call("getMachineCommands", ["ann", "Read"], {
      path: "machine?region=westus",
    });
  const before = await commands();
  expect(before.warnings).toEqual([]);
  await revoke(["ann", "Write"], "CVE-2026-1234", false);
  expect(await commands()).toEqual({
    ...before,
    warnings: [
      expect.objectContaining({
        code: "ImageVersionRevoked",
        severity: "warning",
        message: "It is revoked: CVE-2026-1234.",
      }),
    ],
  });
});

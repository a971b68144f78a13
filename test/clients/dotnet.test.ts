import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { startTlsFront, type TlsFront } from "@sigil-local/stack/tls-front";
import { needs } from "@sigil-local/testing/tools";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Stack } from "../support/stack.js";
import { DotnetPrograms, HAS_DOTNET } from "./dotnet.js";

/** Packages are fetched, and a compiler takes seconds of a processor of its own. */
const COMPILER_TIMEOUT_MS = 300_000;

describe("for .NET", () => {
  let stack: Stack;
  let programs: DotnetPrograms;
  let document: string;
  let front: TlsFront;
  let token: string;

  beforeAll(async () => {
    stack = await Stack.start({
      simulator: { replication: { durationMs: 300 } },
    });
    const { origin } = await stack.startHost();
    document = `${origin}/api/openapi.json`;
    front = await startTlsFront(origin, stack.services.certificates);
    token =
      (await stack.services.tokenIssuer?.issueToken({
        roles: ["ImageVersions.Write"],
      })) ?? "";
    programs = await DotnetPrograms.create();
  });
  afterAll(async () => {
    await front?.close();
    await stack?.close();
    await programs?.close();
  });

  const run = async (name: string, version: string): Promise<unknown> => {
    await programs.build(name, document);
    const output = await programs.run(name, {
      SIGIL_ORIGIN: front.origin,
      SIGIL_TOKEN: token,
      SIGIL_SUBSCRIPTION: LOCAL_SUBSCRIPTION_ID,
      SIGIL_VERSION: version,
      SSL_CERT_FILE: stack.services.certificates.caFile,
    });
    return JSON.parse(output);
  };
  const options = {
    ...needs("dotnet", HAS_DOTNET),
    timeout: COMPILER_TIMEOUT_MS,
  };

  test.each([
    ["Kiota", "2.1.0"],
    ["NSwag", "2.1.1"],
  ])(
    "a client that %s generates compiles, creates, follows and lists an image version",
    options,
    async (generator, version) => {
      expect(await run(generator.toLowerCase(), version)).toEqual({
        accepted: "CreateImageVersion",
        ended: "Succeeded",
        unchanged: "Succeeded",
        regions: ["westus Completed"],
        listed: expect.arrayContaining([version]) as string[],
        refused: "/path/versionName",
      });
    },
  );

  test(
    "Azure's own SDK creates, updates and deletes a version on Azure Resource Manager's path",
    options,
    async () => {
      expect(await run("arm-dotnet", "2.1.2")).toEqual({
        created: "2.1.2 Succeeded 1",
        updated: "2.1.2 2",
        exists: false,
      });
    },
  );
});

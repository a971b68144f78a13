import { afterAll, beforeAll, expect, test } from "vitest";
import {
  GENERATORS,
  runGeneratedClient,
  type GeneratorName,
} from "../clients/generated-client.js";
import { LOCAL_SUBSCRIPTION_ID } from "../../src/local/resource-manager/server.js";
import { Stack } from "../support/stack.js";

let stack: Stack;
let origin: string;
let token: string;

beforeAll(async () => {
  stack = await Stack.start({
    simulator: { replication: { durationMs: 300 } },
  });
  origin = (await stack.startHost()).origin;
  token =
    (await stack.services.tokenIssuer?.issueToken({
      roles: ["ImageVersions.Write"],
    })) ?? "";
});
afterAll(() => stack.close());

/** A generator and a compiler take seconds of a processor of their own, and many more of one that is shared. */
const COMPILER_TIMEOUT_MS = 240_000;
const names = Object.keys(GENERATORS) as GeneratorName[];

test.each(names.map((name, i) => [name, `2.0.${i}`] as const))(
  "a client that %s generates compiles in strict mode, and creates, follows and lists an image version",
  async (name, version) => {
    const output = await runGeneratedClient(name, origin, {
      SIGIL_ORIGIN: origin,
      SIGIL_TOKEN: token,
      SIGIL_VERSION: version,
      SIGIL_SUBSCRIPTION: LOCAL_SUBSCRIPTION_ID,
    });
    expect(JSON.parse(output)).toEqual({
      accepted: "CreateImageVersion",
      ended: "Succeeded",
      regions: ["westus Completed"],
      listed: expect.arrayContaining([version]) as string[],
      refused: "/path/versionName",
    });
  },
  COMPILER_TIMEOUT_MS,
);

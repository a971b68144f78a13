import { afterAll, beforeAll, expect, test } from "vitest";
import {
  GENERATORS,
  generateClients,
  type GeneratedClients,
  type GeneratorName,
} from "./generated-clients.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { Stack } from "../support/stack.js";

/** Generators and a compiler take seconds of a processor of their own, and many more of one that is shared. */
const COMPILER_TIMEOUT_MS = 240_000;

let stack: Stack;
let clients: GeneratedClients;
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
  clients = await generateClients(origin);
}, COMPILER_TIMEOUT_MS);
afterAll(async () => {
  await stack.close();
  await clients.close();
});

const names = Object.keys(GENERATORS) as GeneratorName[];

test(`clients that ${names.join(", ")} generate compile in strict mode`, () => {
  expect(clients.mistakes).toBe("");
});

test.each(names.map((name, i) => [name, `2.0.${i}`] as const))(
  "a client that %s generates creates, follows and lists an image version",
  async (name, version) => {
    const output = await clients.run(name, {
      SIGIL_ORIGIN: origin,
      SIGIL_TOKEN: token,
      SIGIL_VERSION: version,
      SIGIL_SUBSCRIPTION: LOCAL_SUBSCRIPTION_ID,
    });
    expect(JSON.parse(output)).toEqual({
      accepted: "CreateImageVersion",
      ended: "Succeeded",
      unchanged: "Succeeded",
      regions: ["westus Completed"],
      listed: expect.arrayContaining([version]) as string[],
      refused: "/path/versionName",
    });
  },
);

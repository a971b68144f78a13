import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { Stack } from "../support/stack.js";
import {
  findGenerator,
  LANGUAGES,
  runClientIn,
  type LanguageName,
} from "./other-languages.js";

const generator = findGenerator();
const NO_GENERATOR =
  "OpenAPI Generator. Have openapi-generator on PATH, or name it or its jar by SIGIL_OPENAPI_GENERATOR=/path/to/openapi-generator.jar. Tried with 5.0.0-beta2, which `npm pack @openapitools/openapi-generator-cli@1.0.18-5.0.0-beta2` fetches in its folder bin/.";

const atHand: LanguageName[] = [];
for (const name of Object.keys(LANGUAGES) as LanguageName[]) {
  const missing =
    generator === undefined ? NO_GENERATOR : LANGUAGES[name].missing(generator);
  if (missing === undefined) atHand.push(name);
  else
    console.warn(
      `SKIPPED: no ${name} client was generated, for want of ${missing}`,
    );
}
console.warn(
  "SKIPPED: no Go client was generated, for want of a program in test/clients/programs/ that uses one: OpenAPI Generator 5.0.0-beta2 leaves the models out of a Go client.",
);

/** A Java program that generates and a compiler take seconds of a processor of their own, and many more of one that is shared. */
const COMPILER_TIMEOUT_MS = 240_000;

describe.skipIf(atHand.length === 0)("OpenAPI Generator's client", () => {
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
  afterAll(() => stack?.close());

  test.each(atHand.map((name, i) => [name, `2.0.${i}`] as const))(
    "for %s compiles, and creates, follows and lists an image version",
    async (name, version) => {
      const output = await runClientIn(name, generator ?? "", origin, {
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
});

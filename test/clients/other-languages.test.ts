import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "@sigil-local/testing/tools";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { Stack } from "../support/stack.js";
import { findGenerator, LANGUAGES, runClientIn, type LanguageName } from "./other-languages.js";

const generator = findGenerator();
const NO_GENERATOR =
  "OpenAPI Generator: openapi-generator on PATH, or the program or jar that SIGIL_OPENAPI_GENERATOR names. Tried with 5.0.0-beta2, which `npm pack @openapitools/openapi-generator-cli@1.0.18-5.0.0-beta2` fetches in its folder bin/.";

const missing = (name: LanguageName): string | undefined =>
  generator === undefined ? NO_GENERATOR : LANGUAGES[name].missing(generator);

/** A Java program that generates and a compiler take seconds of a processor of their own, and many more of one that is shared. */
const COMPILER_TIMEOUT_MS = 240_000;

describe("OpenAPI Generator's client", () => {
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

  test(
    "for Go compiles, and creates, follows and lists an image version",
    lacking(
      "a generator of clients for Go: OpenAPI Generator 5.0.0-beta2 leaves their models out.",
    ),
    () => expect.fail("there is no program for it"),
  );

  Object.keys(LANGUAGES).forEach((language, i) => {
    const name = language as LanguageName;
    const version = `2.0.${i}`;
    test(
      `for ${name} compiles, and creates, follows and lists an image version`,
      { ...lacking(missing(name)), timeout: COMPILER_TIMEOUT_MS },
      async () => {
        const output = await runClientIn(name, generator ?? "", origin, {
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
  });
});

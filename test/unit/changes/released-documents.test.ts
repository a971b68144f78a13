import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { asyncApiChanges } from "../../support/changes/asyncapi-changes.js";
import { openApiChanges } from "../../support/changes/openapi-changes.js";
import { document as asyncApi } from "../events/document.js";
import { content as openApi } from "../http/document.js";
import {
  compareVersions,
  latest,
  numbers,
  released,
  releasedEvents,
} from "./released.js";

const { version: packageVersion } = JSON.parse(
  readFileSync("package.json", "utf8"),
) as { version: string };

/** Versions that promise the same: one major version, or one minor version of those that begin with 0. */
function line(version: string): string {
  const [major = 0, minor = 0] = numbers(version);
  return major === 0 ? `0.${minor}` : String(major);
}

describe("the documents, beside the last ones that were released,", () => {
  it("have their version or a later one, which is the package's", () => {
    expect(openApi.info.version).toBe(packageVersion);
    expect(released.info.version).toBe(latest);
    expect(
      compareVersions(openApi.info.version, latest),
    ).toBeGreaterThanOrEqual(0);
  });

  it.skipIf(line(openApi.info.version) !== line(latest))(
    "break no caller, sender or subscriber, unless the version says so (README, Versions)",
    () => {
      expect(openApiChanges(released, openApi)).toEqual([]);
      expect(asyncApiChanges(releasedEvents, asyncApi)).toEqual([]);
    },
  );
});

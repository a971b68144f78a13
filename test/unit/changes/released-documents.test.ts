import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { asyncApiChanges } from "../../support/changes/asyncapi-changes.js";
import { breaksIn } from "../../support/changes/changelog.js";
import { openApiChanges } from "../../support/changes/openapi-changes.js";
import { document as asyncApi } from "../events/document.js";
import { content as openApi } from "../http/contract/document.js";
import { compareVersions, latest, numbers, released, releasedEvents } from "./released.js";

const { version: packageVersion } = JSON.parse(readFileSync("package.json", "utf8")) as {
  version: string;
};
const changelog = readFileSync("CHANGELOG.md", "utf8");

/** Versions that promise the same: one major version, or one minor version of those that begin with 0. */
function line(version: string): string {
  const [major = 0, minor = 0] = numbers(version);
  return major === 0 ? `0.${minor}` : String(major);
}

describe("the documents, beside the last ones that were released,", () => {
  const { version } = openApi.info;
  const changes = [
    ...openApiChanges(released, openApi),
    ...asyncApiChanges(releasedEvents, asyncApi),
  ];

  it("have their version or a later one, which is the package's", () => {
    expect(version).toBe(packageVersion);
    expect(released.info.version).toBe(latest);
    expect(compareVersions(version, latest)).toBeGreaterThanOrEqual(0);
  });

  it("have a place in the changelog", () => {
    expect(changelog).toContain(`\n## ${version}\n`);
  });

  if (line(version) === line(latest))
    it("break no caller, sender or subscriber within a version line", () => {
      expect(changes).toEqual([]);
    });
  else
    it("break, with a new version line, what the changelog lists, and nothing else", () => {
      const listed = breaksIn(changelog, version);
      expect(changes.filter((change) => !listed.some((text) => change.endsWith(text)))).toEqual([]);
      expect(listed.filter((text) => !changes.some((change) => change.endsWith(text)))).toEqual([]);
    });
});

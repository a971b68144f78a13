import { expect, it } from "vitest";
import { runLine } from "./command-line.js";

const row = {
  severity: "error",
  code: "KeyDisabled",
  since: "2026-01-01T08:31:00Z",
  title: "Key disabled: westus",
  message: "Its key is disabled.",
  about: { diskEncryptionSetId: "/diskEncryptionSets/s" },
  whatToDo: {
    verb: "Open key",
    sentence: "Enable it.",
    command: "az keyvault key set-attributes --vault-name v --name k --enabled true",
  },
};
const paused = {
  severity: "warning",
  code: "Paused",
  title: "MyImage 1.0.0 promotion rule paused",
  message: "It is paused.",
  about: { versions: ["/versions/1.0.0"] },
  whatToDo: { verb: "Put back", sentence: "Ask POST …/promote of it." },
};
const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
const SEEN = { versions: 395, neverVersions: 0, sets: 69, neverSets: 0 };
const list = (more: object = {}): object => ({
  value: [],
  counts: { error: 0, warning: 0 },
  seen: SEEN,
  complete: true,
  ...more,
});

it.each(["status", "overview"])("%s has a row for each, and says what was seen", async (name) => {
  const { code, stdout, stderr, requests } = await runLine(`${name} -o table`, () => [
    200,
    list({
      value: [row, paused],
      counts: { error: 1, warning: 1 },
      seen: { ...SEEN, oldest: hoursAgo(19.5), neverVersions: 12, neverSets: 1 },
    }),
  ]);
  expect(requests.map(({ path }) => path)).toEqual(["/api/attention?top=100"]);
  expect(stdout).toMatch(
    /^error +Key disabled: westus +2026-01-01T08:31 +az keyvault key set-attributes --vault-name v --name k --enabled true$/mu,
  );
  expect(stdout).toMatch(
    /^warning +MyImage 1\.0\.0 promotion rule paused +Ask sigil image-version promote of it\.$/mu,
  );
  expect(stderr).toBe(
    "Seen: oldest 19 h ago; 12 of 395 versions not seen yet, 1 of 69 sets not in the last two hours.\n",
  );
  expect(code).toBe(9);
});

it("has the rows of all pages, of one severity, and what the last page counts", async () => {
  const counts = { error: 1, warning: 1 };
  const { code, stdout, requests } = await runLine("status --severity warning", (_, number) => [
    200,
    number === 1
      ? list({ value: [paused], continuationToken: "next", counts: { error: 0, warning: 1 } })
      : list({ value: [{ ...paused, code: "Stalled" }], counts }),
  ]);
  expect(requests.map(({ path }) => path)).toEqual([
    "/api/attention?top=100&severity=warning",
    "/api/attention?top=100&severity=warning&continuationToken=next",
  ]);
  expect(JSON.parse(stdout)).toEqual({
    value: [paused, { ...paused, code: "Stalled" }],
    counts,
    seen: SEEN,
    complete: true,
  });
  expect(code, "of everything").toBe(9);
});

it.each([
  ["nothing", 0, {}],
  ["a warning", 0, { value: [paused], counts: { error: 0, warning: 1 } }],
  ["an error", 9, { counts: { error: 1, warning: 0 }, seen: { ...SEEN, neverSets: 1 } }],
  ["a set not seen", 8, { seen: { ...SEEN, neverSets: 1 } }],
  ["versions not seen", 0, { seen: { ...SEEN, neverVersions: 12 } }],
  ["image definitions yet to be read", 8, { complete: false }],
])("of %s: exit code %i", async (_, expected, more) => {
  const { code } = await runLine("status -o none", () => [200, list(more)]);
  expect(code).toBe(expected);
});

it.each([
  ["oldest 0 min ago; ", 0.001],
  ["oldest 59 min ago; ", 0.99],
  ["oldest 47 h ago; ", 47.9],
  ["oldest 2 days ago; ", 49],
  ["", undefined],
])("says %j, and of nothing more than was seen", async (age, hours) => {
  const seen = { ...SEEN, ...(hours !== undefined && { oldest: hoursAgo(hours) }) };
  const { stdout, stderr } = await runLine("status -o table", () => [
    200,
    list({ seen, complete: false }),
  ]);
  expect(stdout).toBe("Nothing that was seen needs a person.\n");
  expect(stderr).toBe(
    `Seen: ${age}0 of 395 versions not seen yet, 0 of 69 sets not in the last two hours. Some image definitions are not read yet: run the command again.\n`,
  );
});

it("says nothing of it where only errors are shown", async () => {
  const { stderr } = await runLine("status --only-show-errors", () => [200, list()]);
  expect(stderr).toBe("");
});

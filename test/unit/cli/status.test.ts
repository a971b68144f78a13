import { expect, it } from "vitest";
import { runLine } from "./command-line.js";
import { naming } from "../../support/naming.js";

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
  title: "MyImage 1.0.0 paused",
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
    /^warning +MyImage 1\.0\.0 paused +Ask sigil image-version promote of it\.$/mu,
  );
  expect(stderr).toEqual(naming(["19", "12", "395", "1", "69"]));
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
  ["0 min", 0.001],
  ["59 min", 0.99],
  ["47 h", 47.9],
  ["2 days", 49],
  ["none", undefined],
])("says %s, and of nothing more than was seen", async (age, hours) => {
  const seen = { ...SEEN, ...(hours !== undefined && { oldest: hoursAgo(hours) }) };
  const { stderr } = await runLine("status -o table", () => [200, list({ seen, complete: false })]);
  expect(stderr).toEqual(naming(["0", "395", "69", ...(hours === undefined ? [] : [age])]));
});

it("says nothing of it where only errors are shown", async () => {
  const { stderr } = await runLine("status --only-show-errors", () => [200, list()]);
  expect(stderr).toBe("");
});

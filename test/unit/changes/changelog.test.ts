import { expect, it } from "vitest";
import { breaksIn } from "../../support/changes/changelog.js";

const CHANGELOG = `# Changes

## 1.1.0

### Breaking

- \`a is gone\` and \`b is gone\`: use
  \`c\`: it is better.
- \`d\` counts otherwise.
- GET shows \`e\`: that is new.

### Added

- \`f is gone\`: not here.

## 1.0.0

### Breaking

- \`g is gone\`: of another version.
`;

it("the breaks of a version are what its entries quote before their first colon", () => {
  expect(breaksIn(CHANGELOG, "1.1.0")).toEqual(["a is gone", "b is gone"]);
  expect(breaksIn(CHANGELOG, "1.0.0")).toEqual(["g is gone"]);
});

it.each(["0.9.0", "1.1"])("%s, which the changelog lacks, has none", (version) => {
  expect(breaksIn(CHANGELOG, version)).toEqual([]);
});

import { describe, expect, it } from "vitest";
import {
  highestVersionNumber,
  nextVersionNumber,
  type Increment,
} from "../../../src/version-numbers.js";
import { naming } from "../../support/naming.js";

const LARGEST = 2_147_483_647;

describe("nextVersionNumber", () => {
  it.each<[string | undefined, Increment, string]>([
    ["1.2.3", "patch", "1.2.4"],
    ["1.2.3", "minor", "1.3.0"],
    ["1.2.3", "major", "2.0.0"],
    ["0.0.0", "patch", "0.0.1"],
    ["1.9.9", "patch", "1.9.10"],
    [`1.2.${LARGEST - 1}`, "patch", `1.2.${LARGEST}`],
    [`1.2.${LARGEST}`, "minor", "1.3.0"],
    [`1.${LARGEST}.${LARGEST}`, "major", "2.0.0"],
    [undefined, "patch", "1.0.0"],
    [undefined, "minor", "1.0.0"],
    [undefined, "major", "1.0.0"],
  ])("after %s, %s, is %s", (highest, increment, next) => {
    expect(nextVersionNumber(highest, increment)).toBe(next);
  });

  it.each<[string, Increment, string]>([
    [`1.2.${LARGEST}`, "patch", "increment=minor"],
    [`1.${LARGEST}.0`, "minor", "increment=major"],
    [`${LARGEST}.0.0`, "major", "image definition"],
  ])("is refused above %s, %s", (highest, increment, remediation) => {
    expect(() => nextVersionNumber(highest, increment)).toThrow(
      expect.objectContaining({
        code: "ImageVersionConflict",
        message: naming([increment, highest]),
        findings: [
          expect.objectContaining({
            code: "VersionNumbersExhausted",
            pointer: "/query/increment",
            remediation: naming(remediation),
          }),
        ],
      }),
    );
  });
});

describe("highestVersionNumber", () => {
  it.each<[readonly (string | undefined)[], string | undefined]>([
    [[], undefined],
    [[undefined], undefined],
    [["1.0.0"], "1.0.0"],
    [["1.0.9", "1.0.10", "1.0.2"], "1.0.10"],
    [["1.10.0", "1.9.99", undefined], "1.10.0"],
    [["9.9.9", "10.0.0"], "10.0.0"],
    [["latest", "1.0", "1.0.0", "1.0.0.0"], "1.0.0"],
    [[`0.0.${LARGEST}`, "0.1.0"], "0.1.0"],
  ])("of %j is %s", (names, highest) => {
    expect(highestVersionNumber(names)).toBe(highest);
  });
});

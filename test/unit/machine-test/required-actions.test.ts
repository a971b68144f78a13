import { expect, test } from "vitest";
import { lacking } from "../../../src/machine-test/required-actions.js";

const WRITE = "Microsoft.Compute/virtualMachines/write";

test.each([
  ["no role", [], [WRITE]],
  ["the action itself, in another case", [[[WRITE.toUpperCase()], []]], []],
  ["everything", [[["*"], []]], []],
  ["everything of a resource provider", [[["Microsoft.Compute/*"], []]], []],
  ["every write", [[["*/write"], []]], []],
  ["a pattern with two", [[["Microsoft.*/virtualMachines/*"], []]], []],
  ["every read", [[["*/read"], []]], [WRITE]],
  ["another type", [[["Microsoft.Compute/disks/*"], []]], [WRITE]],
  ["parts that overlap", [[["*/virtualMachines/write*write"], []]], [WRITE]],
  ["everything but what is taken away", [[["*"], ["Microsoft.Compute/*/write"]]], [WRITE]],
  [
    "what one role takes away and another gives",
    [
      [["*"], ["*/write"]],
      [[WRITE], []],
    ],
    [],
  ],
] as [string, [string[], string[]][], string[]][])("%s", (_, grants, expected) => {
  expect(
    lacking(
      [WRITE],
      grants.map(([actions, notActions]) => ({ actions, notActions })),
    ),
  ).toEqual(expected);
});

import { expect, test } from "vitest";
import { REQUESTS } from "../support/doors/latest-doors.js";
import { documentedOperations } from "./http/contract/document.js";

test("the doors have each write, by the role that it needs", () => {
  const writes = documentedOperations().flatMap(({ template, method, operation }) => {
    const { operationId, "x-required-role": role } = operation as typeof operation & {
      readonly "x-required-role"?: string;
    };
    const reads = role === undefined || role === "ImageVersions.Read" || method === "get";
    return reads || /[/:]plan$|providers\/Microsoft/iu.test(template) ? [] : [operationId];
  });
  expect(Object.keys(REQUESTS).sort()).toEqual(writes.sort());
});

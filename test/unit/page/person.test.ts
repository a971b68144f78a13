import { expect, test } from "vitest";
import {
  includesRole,
  personOf,
} from "../../../src/page/src/session/person.js";

function tokenOf(claims: object): string {
  const part = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `${part}.${part}.signature`;
}

test("a person has what roles and scopes both give, as the API has it", () => {
  const person = (roles: string[], scp: string | undefined, assigns = false) =>
    personOf({ name: "Žofie" }, tokenOf({ roles, scp, oid: "1" }), assigns);
  const ALL = "ImageVersions.Read ImageVersions.Write ImageVersions.Admin";
  expect(person(["ImageVersions.Write"], ALL)).toEqual({
    name: "Žofie",
    username: undefined,
    objectId: "1",
    role: "Write",
  });
  expect(person(["ImageVersions.Admin"], "ImageVersions.Read").role).toBe(
    "Read",
  );
  expect(person([], ALL).role).toBeUndefined();
  expect(person([], ALL, true).role).toBe("Admin");
  expect(person(["ImageVersions.Admin"], undefined).role).toBe("Admin");
  expect(person(["Other.Role"], ALL).role).toBeUndefined();
});

test("a token that cannot be read offers nothing", () => {
  expect(personOf({}, "opaque", false)).toEqual({
    name: "Unknown",
    username: undefined,
    objectId: undefined,
    role: undefined,
  });
});

test("each role includes those before it", () => {
  expect(includesRole("Admin", "Write")).toBe(true);
  expect(includesRole("Read", "Write")).toBe(false);
  expect(includesRole(undefined, "Read")).toBe(false);
});

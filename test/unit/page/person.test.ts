import { expect, test } from "vitest";
import { personOf } from "../../../src/page/src/session/person.js";

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
    roles: ["Read", "Write"],
  });
  expect(person(["ImageVersions.Admin"], "ImageVersions.Read").roles).toEqual(["Read"]);
  expect(person([], ALL).roles).toEqual([]);
  expect(person([], ALL, true).roles).toEqual(["Read", "Write", "Admin"]);
  expect(person(["ImageVersions.Admin"], undefined).roles).toEqual(["Read", "Write", "Admin"]);
  expect(person(["Other.Role"], ALL).roles).toEqual([]);
});

test("a token that cannot be read offers nothing", () => {
  expect(personOf({}, "opaque", false)).toEqual({
    name: "Unknown",
    username: undefined,
    objectId: undefined,
    roles: [],
  });
});

test("who approves may read; nobody else approves", () => {
  const roles = (...names: string[]) =>
    personOf({}, tokenOf({ roles: names.map((name) => `ImageVersions.${name}`) }), false).roles;
  expect(roles("Approve")).toEqual(["Read", "Approve"]);
  expect(roles("Admin")).not.toContain("Approve");
  expect(roles("Write", "Approve")).toEqual(["Read", "Approve", "Write"]);
});

import { expect, it } from "vitest";
import { requesterOf } from "../../../src/http/accepted.js";
import { isSufficient, ROLES } from "../../../src/authorization/roles.js";

it.each(["Sigil", " sigil ", "S\u200Bigil", "Ｓｉｇｉｌ", "AZURE", "Microsoft Azure"])(
  "nobody is shown as %j: an id stands for who is called so",
  (name) => {
    expect(requesterOf({ appId: "app", objectId: "id", name, roles: [] })).toEqual({
      appId: "app",
      objectId: "id",
    });
  },
);

it("whoever has another name is shown by it", () => {
  expect(requesterOf({ appId: "app", name: "Sigil's scanner", roles: [] })).toEqual({
    appId: "app",
    name: "Sigil's scanner",
  });
});

it("an application that acts for a person is kept as such", () => {
  const person = { appId: "app", objectId: "ann", actsForPerson: true } as const;
  expect(requesterOf({ ...person, roles: [] })).toEqual(person);
});

it("no role but its own lets a version pass its gate, and it writes nothing", () => {
  const approve = "ImageVersions.Approve";
  expect(ROLES.filter((role) => isSufficient([role], approve))).toEqual([approve]);
  expect(ROLES.filter((role) => isSufficient([approve], role))).toEqual([
    "ImageVersions.Read",
    approve,
  ]);
});

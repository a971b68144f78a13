import { expect, test } from "vitest";
import { keptByAzure, mustBeAdmitted } from "../../../../src/image-version/commands/command.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import type { UsedResource } from "../../../../src/image-version/properties/resource-references.js";
import type { Dependencies } from "../../../../src/image-version/ports.js";
import { parseImageVersionId } from "../../../../src/resource-id.js";
import { managedImageRequest } from "../../../support/requests.js";
import { VERSION_ID } from "../../../support/transitions.js";

const id = parseImageVersionId(VERSION_ID);
if (id === undefined) throw new Error(VERSION_ID);

test("a caller is asked for what the version is made of, but for what it has already", () => {
  const body = canonicalForm(managedImageRequest());
  const deps = { maxReads: 100, requiredRegistrations: [] as string[] };
  const asked = (observed?: typeof body): readonly string[] => {
    const ids: string[] = [];
    const requireMayUse = (used: readonly UsedResource[]) =>
      void ids.push(...used.map(({ id }) => id));
    mustBeAdmitted(deps as unknown as Dependencies, { id, requireMayUse }, body, observed);
    return ids;
  };
  expect(asked()).toContain(body.properties.storageProfile.source?.id);
  expect(asked(body)).toEqual([]);
});

test.each([
  ["2026-02-01T00:00:00.000Z", " until 2026-02-01T00:00:00.000Z. why"],
  [undefined, "soft-deleted. why"],
])("the deleted version that has the number is kept until %s", (until, said) => {
  const kept = { name: "1.0.0", location: "westus" };
  const { code, message, fields } = keptByAzure(
    id,
    until === undefined ? kept : { ...kept, hardDeletionTargetTime: until },
    "why",
  );
  expect(code).toBe("ImageVersionSoftDeleted");
  expect(message.endsWith(said)).toBe(true);
  expect(fields).toEqual(until ? { hardDeletionTargetTime: until } : {});
});

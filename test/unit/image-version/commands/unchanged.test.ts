import { expect, test } from "vitest";
import { compared, type Request } from "../../../../src/image-version/commands/compared.js";
import { isUnchanged } from "../../../../src/image-version/commands/unchanged.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import { managedImageRequest } from "../../../support/requests.js";
import { succeeded, withRecord } from "../../../support/transitions.js";

const body = canonicalForm({ ...managedImageRequest(), tags: { a: "1" } });
const made = succeeded(body);
const { "/tags/a": _, ...without } = made.record.spec ?? {};

test.each<[string, Partial<ImageVersionRecord>, boolean]>([
  ["nothing that is not so", {}, true],
  ["a tag that Azure shows, and that others have set", { spec: without }, false],
])("a PUT of a version that says %s", (_, more, isSo) => {
  const { record, operation } = withRecord(made, more);
  const request = {
    command: {},
    body,
    removeRegions: [],
    glance: { look: record.status, seen: true },
  } as unknown as Request;
  const comparison = compared(request, { record, operation } as never);
  expect(isUnchanged(request, comparison, ["westus"])).toBe(isSo);
});

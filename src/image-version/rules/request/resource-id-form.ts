import { parseResourceId } from "../../../resource-id.js";
import { exampleOf, resourceReferences } from "../../properties/resource-references.js";
import type { Breach, RequestRule } from "../rule.js";

export const resourceIdForm: RequestRule = {
  name: "resource-id-form",
  code: "InvalidResourceId",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Every resource id is well formed.",
  check: ({ request }) =>
    resourceReferences(request).flatMap((reference): Breach[] =>
      parseResourceId(reference.id) !== undefined
        ? []
        : [
            {
              pointer: reference.pointer,
              message: `"${reference.id}" is not a resource id.`,
              remediation: `Write it as ${exampleOf(reference)}.`,
            },
          ],
    ),
};

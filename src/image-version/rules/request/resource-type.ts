import { parseResourceId } from "../../../resource-id.js";
import { exampleOf, resourceReferences } from "../../properties/resource-references.js";
import type { Breach, RequestRule } from "../rule.js";

export const resourceType: RequestRule = {
  name: "resource-type",
  code: "WrongResourceType",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Every resource id names a resource of a type that fits its place.",
  check: ({ request }) =>
    resourceReferences(request).flatMap((reference): Breach[] => {
      const { id, pointer, types } = reference;
      const resource = parseResourceId(id);
      if (resource === undefined) return [];
      const type = `${resource.namespace}/${resource.type}`.toLowerCase();
      return types.some((fitting) => fitting.toLowerCase() === type)
        ? []
        : [
            {
              pointer,
              message: `"${id}" is not one of ${types.join(", ")}.`,
              remediation: `Use an id such as ${exampleOf(reference)}.`,
            },
          ];
    }),
};

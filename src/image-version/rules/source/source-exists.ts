import { namesSource, sourceReferences } from "../../properties/source-references.js";
import type { Breach, GatheredRule } from "../rule.js";

export const sourceExists: GatheredRule = {
  name: "source-exists",
  code: "SourceNotFound",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Every source that the request names exists.",
  check: ({ request, gathered }) =>
    sourceReferences(request).flatMap((reference): Breach[] => {
      const { pointer, id } = reference;
      return namesSource(reference) && gathered.sources.get(id.toLowerCase())?.kind === "absent"
        ? [
            {
              pointer,
              message: `${id} does not exist.`,
              remediation: `Correct the id, or name an existing source. To check: az resource show --ids ${id}`,
            },
          ]
        : [];
    }),
};

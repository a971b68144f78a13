import { targetRegionsOf } from "../../properties/canonical-form.js";
import { TARGET_REGIONS, type Breach, type RequestRule } from "../rule.js";

export const uniqueRegions: RequestRule = {
  name: "unique-regions",
  code: "DuplicateRegion",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Each target region is given once, in whatever spelling.",
  check: ({ request }) => {
    const names = targetRegionsOf(request).map((region) => region.name);
    return names.flatMap((name, i): Breach[] =>
      names.indexOf(name) === i
        ? []
        : [
            {
              pointer: `${TARGET_REGIONS}/${i}/name`,
              message: `"${name}" is given twice, as target regions ${names.indexOf(name)} and ${i}: case and spaces do not make another region.`,
              remediation: `Keep one entry for ${name}.`,
            },
          ],
    );
  },
};

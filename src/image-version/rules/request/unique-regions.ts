import { targetRegionsOf } from "../../properties/canonical-form.js";
import { TARGET_REGIONS, type Breach, type RequestRule } from "../rule.js";

export const uniqueRegions: RequestRule = {
  name: "unique-regions",
  code: "DuplicateRegion",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Each target region appears once, in any spelling.",
  check: ({ request }) => {
    const names = targetRegionsOf(request).map((region) => region.name);
    return names.flatMap((name, i): Breach[] =>
      names.indexOf(name) === i
        ? []
        : [
            {
              pointer: `${TARGET_REGIONS}/${i}/name`,
              message: `Target regions ${names.indexOf(name)} and ${i} are both "${name}". Region names ignore case and spaces.`,
              remediation: `Keep one entry for ${name}.`,
            },
          ],
    );
  },
};

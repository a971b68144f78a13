import type { PromotionRule } from "../../contract.js";
import { PROMOTION } from "../../properties/table.js";
import { latestIn } from "../../latest/flags.js";
import { canonicalRegion } from "../../../resource-id.js";
import { newRegions, TARGET_REGIONS, type ChangeRule } from "../rule.js";

export const testedThere: ChangeRule = {
  name: "tested-there",
  code: "NotTestedThere",
  severity: "warning",
  basis: {
    own: "A rule that waits for tests is done once it has promoted the version: a region that is added later has it as its latest at once.",
  },
  summary:
    "A version that its tests have promoted is added to no region in which they have not passed, and where its own flag does not exclude it.",
  check: (subject) => {
    const { change, request } = subject;
    if (change === undefined) return [];
    const { observed, patch, lastApplied } = change;
    const rule = (PROMOTION in patch ? patch[PROMOTION] : lastApplied?.[PROMOTION]) as
      PromotionRule | null | undefined;
    if (rule?.when !== "tested" || latestIn(observed).length === 0) return [];
    const included = latestIn(request);
    const named = rule.regions?.map(canonicalRegion);
    return newRegions(subject).flatMap(({ i, region }) =>
      !included.includes(canonicalRegion(region.name)) ||
      named?.includes(canonicalRegion(region.name)) === false
        ? []
        : [
            {
              pointer: `${TARGET_REGIONS}/${i}`,
              message: `The version is in latest already: it is the latest in ${region.name} as soon as it is there, though no test of it has passed there.`,
              remediation: `To test it there first, say "excludeFromLatest": true of ${region.name}, and take that off once its tests have passed.`,
            },
          ],
    );
  },
};

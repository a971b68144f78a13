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
    own: "A rule that waits for tests ends once it promotes the version: in a region added later it is the latest at once.",
  },
  summary:
    "A region added to a version that its tests promoted has passed them, or is excluded from latest.",
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
              message: `The version is in latest, so it becomes the latest in ${region.name} once it is there, although no test passed there.`,
              remediation: `To test it there first, set "excludeFromLatest": true for ${region.name}, and promote it once its tests pass.`,
            },
          ],
    );
  },
};

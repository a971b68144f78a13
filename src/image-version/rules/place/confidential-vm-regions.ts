import { imageIdOf } from "../../../resource-id.js";
import { found } from "../../../bounded-reads.js";
import { targetRegionsOf } from "../../properties/canonical-form.js";
import { newRegions, TARGET_REGIONS, type Breach, type GatheredRule } from "../rule.js";

export const confidentialVmRegions: GatheredRule = {
  name: "confidential-vm-regions",
  code: "ConfidentialVmOutsideHomeRegion",
  severity: "error",
  basis: { documented: "confidentialRegions" },
  summary:
    "A version of an image definition of security type ConfidentialVM is only in its own location, unless its confidentialVMEncryptionType is NonPersistedTPM.",
  check: (subject) => {
    const { id, request, gathered } = subject;
    const type = found(gathered.imageDefinition)?.securityType;
    if (type?.toLowerCase() !== "confidentialvm") return [];
    const persistent = targetRegionsOf(request).find(
      ({ encryption }) =>
        encryption?.osDiskImage?.securityProfile?.confidentialVMEncryptionType !==
        "NonPersistedTPM",
    );
    if (persistent === undefined) return [];
    return newRegions(subject).flatMap(({ i, region: { name } }): Breach[] =>
      name === request.location
        ? []
        : [
            {
              pointer: `${TARGET_REGIONS}/${i}`,
              message: `The image definition ${imageIdOf(id)} is of security type ConfidentialVM: Azure allows such a version only in its own location ${request.location}, but the request names ${name}.`,
              remediation: `Leave ${name} out and publish a version for it there, or set confidentialVMEncryptionType to NonPersistedTPM in every region.`,
            },
          ],
    );
  },
};

import {
  comparableAt,
  fieldsOf,
  partsOf,
  pointerTo,
  regionField,
  regionOf,
  regionsIn,
} from "../../properties/fields.js";
import type { Breach, ChangeRule } from "../rule.js";

const KEY = /\/(?:diskEncryptionSetId|secureVMDiskEncryptionSetId|confidentialVMEncryptionType)$/u;

/** Whether a field sets how a disk is encrypted in a region. */
export function isKey(field: string): boolean {
  return field.includes("/encryption/") && KEY.test(field);
}

export const customerKeysKept: ChangeRule = {
  name: "customer-keys-kept",
  code: "CustomerKeysChanged",
  severity: "error",
  basis: { documented: "encryption" },
  summary:
    "A disk that has a disk encryption set in a region keeps that set there, and cannot return to platform-managed keys.",
  check: ({ request, change }) => {
    if (change === undefined) return [];
    const { observed, patch, lastApplied = {} } = change;
    const shown = fieldsOf(observed);
    const asked = fieldsOf(request);
    const named = regionsIn(asked);
    return Object.entries({ ...lastApplied, ...shown }).flatMap(([field, set]): Breach[] => {
      const region = regionOf(field);
      if (!isKey(field) || region === undefined || shown[field] === undefined) return [];
      if (patch[regionField(region)] === null) return [];
      const given = asked[field];
      // A field that was never set through Sigil stays as Azure has it.
      const leftOut =
        given === undefined && named.includes(region) && lastApplied[field] !== undefined;
      const differs =
        given !== undefined && comparableAt(field, given) !== comparableAt(field, set);
      if (!leftOut && !differs) return [];
      return [
        {
          pointer: pointerTo(request, field),
          message: `${diskOf(field)} in ${region} is encrypted with ${String(set)}; the request gives it ${typeof given === "string" ? given : "no set"}.`,
          remediation: `Keep its set in ${region}: ${String(set)}. To use another one, publish another version.`,
        },
      ];
    });
  },
};

function diskOf(field: string): string {
  const parts = partsOf(field);
  const at = parts.indexOf("dataDiskImages");
  return at === -1 ? "the OS disk" : `the data disk at LUN ${String(parts[at + 1])}`;
}

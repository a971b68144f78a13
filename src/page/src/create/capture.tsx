import { useContext } from "preact/hooks";
import { CheckField, FindingsContext, type SectionProps } from "./fields.js";
import type { Form } from "./model/form.js";
import { objectIn, put } from "./model/json.js";

/** Offered where the plan says that a capture helps, and as long as it is chosen. */
export function Capture({ form: { given }, change }: SectionProps<Form>) {
  const isChosen = "capture" in objectIn(given, "sigil");
  const helps = useContext(FindingsContext).some(({ remediation = "" }) =>
    remediation.includes('"capture": "snapshots"'),
  );
  if (!isChosen && !helps) return null;
  return (
    <CheckField
      field="source-capture"
      label="Capture by snapshots"
      hint="Sigil creates snapshots of its disks, and deletes them again. Leave it deallocated until the version is being created."
      value={isChosen}
      onChange={(on) =>
        change({ given: put(given, ["sigil", "capture"], on ? "snapshots" : undefined) })
      }
    />
  );
}

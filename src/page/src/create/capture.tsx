import { useContext } from "preact/hooks";
import { CheckField, FindingsContext, type SectionProps } from "./fields.js";
import { setting, textAt, type Form } from "./model/form.js";

const CAPTURE = "/sigil/capture";

/** Offered where the plan says that a capture helps, and as long as it is chosen. */
export function Capture({ form, change }: SectionProps<Form>) {
  const isChosen = textAt(form, CAPTURE) !== "";
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
      onChange={(on) => change(setting(CAPTURE, on ? "snapshots" : undefined))}
    />
  );
}

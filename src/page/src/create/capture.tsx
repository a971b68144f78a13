import { useContext } from "preact/hooks";
import { CheckField, FindingsContext, type SectionProps } from "./fields.js";
import type { Form } from "./model/form.js";
import { objectIn } from "./model/json.js";

/** Offered where the plan says that a capture helps, and as long as it is chosen. */
export function Capture({ form: { rest }, change }: SectionProps<Form>) {
  const sigil = objectIn(rest, "sigil");
  const isChosen = "capture" in sigil;
  const helps = useContext(FindingsContext).some(({ remediation = "" }) =>
    remediation.includes('"capture": "snapshots"'),
  );
  if (!isChosen && !helps) return null;
  const { capture: _, ...others } = sigil;
  return (
    <CheckField
      field="source-capture"
      label="Capture by snapshots"
      hint="Sigil creates snapshots of its disks, and deletes them again. Leave it deallocated until the version is being created."
      value={isChosen}
      onChange={(on) =>
        change({ rest: { ...rest, sigil: { ...others, ...(on && { capture: "snapshots" }) } } })
      }
    />
  );
}

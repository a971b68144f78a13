import { useState } from "preact/hooks";
import { RegionTicks } from "../components/tick.js";
import type { Condition, VersionActionProps } from "./action.js";
import { Reason } from "./revocation.js";
import { useVersionCall, VersionDialog } from "./version-dialog.js";

/** Lets a version pass its gate, in spite of what its tests have found. */
export function ApproveDialog({
  condition: { message, regions: closed = [] },
  ...props
}: VersionActionProps & { readonly condition: Condition }) {
  const { image, version } = props;
  const { client, path } = useVersionCall(props);
  const [reason, setReason] = useState("");
  const [regions, setRegions] = useState<readonly string[]>(closed);
  return (
    <VersionDialog
      of={props}
      title={`Approve ${image.imageName} ${version.name}?`}
      lead={`${message} Approving opens the gate until a later test fails. It does not promote the version.`}
      confirm="Approve"
      disabled={reason.trim() === "" || regions.length === 0}
      send={() =>
        client.call("approveImageVersion", {
          path,
          body: { reason, regions: [...regions] },
        })
      }
      sigil={["approve", "--regions", ...regions, "--reason", reason]}
    >
      <Reason reason={reason} onChange={setReason} />
      <RegionTicks legend="Regions" names={closed} chosen={regions} onChoose={setRegions} />
    </VersionDialog>
  );
}

import { useState } from "preact/hooks";
import { useMay } from "../context.js";
import type { ActionProps } from "../dialogs/action.js";
import { PurgeDialog } from "../dialogs/purge.js";
import { RestoreDialog } from "../dialogs/restore.js";
import type { ImageName } from "../routes.js";

/** What may be done to a version that Azure keeps after its deletion: restore it, or delete it for good. */
export function DeletedActions({
  image,
  version,
  onAccepted,
  onPurged,
}: Pick<ActionProps, "onAccepted"> & {
  readonly image: ImageName;
  readonly version: string;
  readonly onPurged?: () => void;
}) {
  const mayWrite = useMay("Write");
  const mayAdmin = useMay("Admin");
  const [asked, setAsked] = useState<"restore" | "purge">();
  const [isPurged, setPurged] = useState(false);
  const props = { image, version, onClose: () => setAsked(undefined) };
  const name = <span class="visually-hidden"> {version}</span>;
  return (
    <div class="row">
      <span role="status">{isPurged && "Azure is deleting it for good."}</span>
      {!isPurged && mayWrite && (
        <button type="button" class="small" onClick={() => setAsked("restore")}>
          Restore{name}…
        </button>
      )}
      {!isPurged && mayAdmin && (
        <button type="button" class="small" onClick={() => setAsked("purge")}>
          Delete{name} for good…
        </button>
      )}
      {asked === "restore" && <RestoreDialog {...props} onAccepted={onAccepted} />}
      {asked === "purge" && (
        <PurgeDialog
          {...props}
          onAccepted={() => {
            setPurged(true);
            onPurged?.();
          }}
        />
      )}
    </div>
  );
}

import { useState } from "preact/hooks";
import { Finality } from "../components/box.js";
import { useClient, useMay, useRequestKey } from "../context.js";
import type { ActionProps } from "../dialogs/action.js";
import { VersionDialog } from "../dialogs/version-dialog.js";
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
  const client = useClient();
  const keyOf = useRequestKey();
  const path = { ...image, versionName: version };
  const of = { image, version: { name: version }, onClose: () => setAsked(undefined) };
  const full = `${image.imageName} ${version}`;
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
      {asked === "restore" && (
        <VersionDialog
          of={{ ...of, onAccepted }}
          title={`Restore ${full}?`}
          lead="Azure restores it as it kept it: look at the replicas of its regions. If it was excluded from latest, it stays excluded. Otherwise it is in latest again as soon as it is back."
          confirm={`Restore ${version}`}
          send={() =>
            client.call("restoreImageVersion", {
              path,
              header: { "Idempotency-Key": keyOf(version) },
            })
          }
          sigil={["undelete"]}
        />
      )}
      {asked === "purge" && (
        <VersionDialog
          of={{
            ...of,
            onAccepted: () => {
              setPurged(true);
              onPurged?.();
            },
          }}
          title={`Delete ${full} for good?`}
          lead="Azure removes what soft delete keeps of it. Its number is free once Azure no longer lists it."
          confirm={`Delete ${version} for good`}
          danger
          send={() => client.call("purgeDeletedVersion", { path })}
          sigil={["purge"]}
        >
          <Finality>Nobody can restore the version afterwards.</Finality>
        </VersionDialog>
      )}
    </div>
  );
}

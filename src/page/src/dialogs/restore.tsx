import { useClient, useRequestKey } from "../context.js";
import type { ImageName } from "../routes.js";
import type { ActionProps } from "./action.js";
import { VersionDialog } from "./version-dialog.js";

/** Undoes a deletion where the gallery has soft delete. */
export function RestoreDialog({
  image,
  version,
  ...props
}: ActionProps & { readonly image: ImageName; readonly version: string }) {
  const client = useClient();
  const keyOf = useRequestKey();
  return (
    <VersionDialog
      of={{ image, version: { name: version }, ...props }}
      title={`Restore ${image.imageName} ${version}?`}
      lead="Azure restores it as it kept it: look at the replicas of its regions. If it was excluded from latest, it stays excluded. Otherwise it is in latest again as soon as it is back."
      confirm={`Restore ${version}`}
      send={() =>
        client.call("restoreImageVersion", {
          path: { ...image, versionName: version },
          header: { "Idempotency-Key": keyOf(version) },
        })
      }
      sigil={["undelete"]}
    />
  );
}

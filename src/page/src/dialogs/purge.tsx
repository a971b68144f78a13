import { useClient } from "../context.js";
import type { ImageName } from "../routes.js";
import type { ActionProps } from "./action.js";
import { Finality } from "./finality.js";
import { VersionDialog } from "./version-dialog.js";

/** Ends what soft delete keeps of a deleted version. */
export function PurgeDialog({
  image,
  version,
  ...props
}: ActionProps & { readonly image: ImageName; readonly version: string }) {
  const client = useClient();
  return (
    <VersionDialog
      of={{ image, version: { name: version }, ...props }}
      title={`Delete ${image.imageName} ${version} for good?`}
      lead="Azure removes what soft delete keeps of it. Its number is free once Azure no longer lists it."
      confirm={`Delete ${version} for good`}
      danger
      send={() =>
        client.call("purgeDeletedVersion", {
          path: { ...image, versionName: version },
        })
      }
      sigil={["purge"]}
    >
      <Finality>Nobody can restore the version afterwards.</Finality>
    </VersionDialog>
  );
}

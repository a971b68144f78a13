import { SameWithSigil } from "../components/command.js";
import { Dialog } from "../components/dialog.js";
import { versionWords } from "../command-line.js";
import { useClient, useRequestKey } from "../context.js";
import type { ImageName } from "../routes.js";
import type { ActionProps } from "./action.js";

/** Undoes a deletion where the gallery has soft delete. */
export function RestoreDialog({
  image,
  version,
  onAccepted,
  onClose,
}: ActionProps & { readonly image: ImageName; readonly version: string }) {
  const client = useClient();
  const keyOf = useRequestKey();
  return (
    <Dialog
      title={`Restore ${image.imageName} ${version}?`}
      lead="Azure gives it back as it was, with its regions and keys. Where it was not excluded from latest, it is in latest again as soon as Azure has it."
      confirm={`Restore ${version}`}
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await client.call("restoreImageVersion", {
          path: { ...image, versionName: version },
          header: { "Idempotency-Key": keyOf(version) },
        });
        onAccepted(body);
      }}
    >
      <SameWithSigil
        words={["image-version", "undelete", ...versionWords(image, version)]}
      />
    </Dialog>
  );
}

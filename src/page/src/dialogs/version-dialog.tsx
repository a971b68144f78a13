import { useState } from "preact/hooks";
import type { Schemas } from "@sigil/client";
import { Dialog, type DialogProps } from "../components/dialog.js";
import { versionWords } from "../command-line.js";
import { useClient, useRequestKey } from "../context.js";
import type { ImageName } from "../routes.js";
import type { ActionProps, Version, VersionActionProps } from "./action.js";

/** A dialog with a request for a version, and the `sigil` command for the same. */
export function VersionDialog({
  of: { image, version, onAccepted, onClose },
  send,
  sigil: [command = "", ...options],
  ...dialog
}: Omit<DialogProps, "onConfirm" | "onClose"> & {
  readonly of: ActionProps & {
    readonly image: ImageName;
    readonly version: Pick<Version, "name">;
  };
  readonly send: () => Promise<{
    readonly body:
      | Schemas["Operation"]
      | Schemas["RevocationPlan"]
      | Schemas["ReportedTestResultList"]
      | Schemas["DeletedImageVersion"];
  }>;
  /** The command of an image version, and its options after those that name it. */
  readonly sigil: readonly string[];
}) {
  return (
    <Dialog
      {...dialog}
      sigil={["image-version", command, ...versionWords(image, version.name), ...options]}
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await send();
        onAccepted("status" in body ? body : undefined);
      }}
    />
  );
}

/** How a request about a version is sent. */
export function useVersionCall({
  image,
  version,
  etag,
}: Pick<VersionActionProps, "image" | "version" | "etag">) {
  const client = useClient();
  const keyOf = useRequestKey();
  const [seen] = useState(etag);
  /** `asked`: what tells this request from another. */
  const header = (asked: unknown) => ({ "Idempotency-Key": keyOf(asked) });
  return {
    client,
    path: { ...image, versionName: version.name },
    header,
    seen,
    /** For the version as it was when the dialog opened. */
    guarded: (asked: unknown) => ({ "If-Match": seen, ...header(asked) }),
  };
}

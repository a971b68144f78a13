/** What becomes of the snapshots of a creation that failed. Pure. */
import type { OperationFailure } from "../../operation/records.js";
import type { ImageVersionRequest } from "../contract.js";
import type { VersionRequest } from "./record.js";

/** How long the snapshots of a failed creation stay: its machine may be gone, and a weekend ahead. */
export const KEPT_AFTER_FAILURE_MS = 72 * 3_600_000;

/** LUN by the id of its snapshot; undefined: the OS disk's. */
export function snapshotsIn({
  properties: { storageProfile },
}: ImageVersionRequest): ReadonlyMap<string, number | undefined> {
  const { osDiskImage, dataDiskImages = [] } = storageProfile;
  return new Map(
    [{ lun: undefined, source: osDiskImage?.source }, ...dataDiskImages].flatMap(
      ({ lun, source }) => (source?.id === undefined ? [] : [[source.id, lun] as const]),
    ),
  );
}

/** The failure; of a capture whose creation was sent, with what is left. `isThere`: Azure has the version. */
export function namingSnapshots(
  failure: OperationFailure,
  { capture, sent, body }: Pick<VersionRequest, "capture" | "sent" | "body">,
  isThere: boolean,
  now: Date,
): OperationFailure {
  if (capture === undefined || sent !== true || body === undefined) return failure;
  const left = snapshotsLeft(snapshotsIn(body), isThere ? "used" : "complete", now);
  return { ...failure, message: `${failure.message} ${left}` };
}

/** What becomes of the snapshots of a failed creation and, if they are complete, how to publish from them. */
export function snapshotsLeft(
  disks: ReadonlyMap<string, number | undefined>,
  state: "incomplete" | "complete" | "used",
  now: Date,
): string {
  const until = new Date(now.getTime() + KEPT_AFTER_FAILURE_MS).toISOString();
  if (state === "incomplete")
    return `The snapshots that were created stay until ${until}, when Sigil deletes them.`;
  const data = [...disks].filter(([, lun]) => lun !== undefined);
  const [os = ""] = [...disks].find(([, lun]) => lun === undefined) ?? [];
  const ofData =
    data.length === 0
      ? ""
      : ` --data-snapshots ${data.map(([id]) => id).join(" ")} --data-snapshot-luns ${data.map(([, lun]) => lun).join(" ")}`;
  return `Its snapshots stay until ${until}, when Sigil deletes them: to publish from them, ${state === "used" ? "delete the version, and send it again with --recreate" : "send the version again with"} --os-snapshot ${os}${ofData}.`;
}

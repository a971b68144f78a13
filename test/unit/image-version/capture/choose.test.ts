/** Which machines cannot be captured, and what rules read of snapshots that are not there yet. */
import { expect, test } from "vitest";
import { whyNot } from "../../../../src/image-version/capture/choose.js";
import { withSnapshots } from "../../../../src/image-version/capture/facts.js";
import { snapshotId } from "../../../../src/image-version/capture/names.js";
import type { ResourceReader } from "../../../../src/image-version/ports.js";
import type { ImageSource, SourceDisk } from "../../../../src/image-version/resources.js";
import { CAPTURE_GROUP, capturedVersionId, MACHINE } from "../../../support/captures.js";
import { idOf } from "../../../support/dependencies.js";

const machine = (disk: Partial<SourceDisk>, more: Partial<ImageSource> = {}): ImageSource => ({
  id: MACHINE,
  provisioningState: "Succeeded",
  regions: ["westus"],
  powerState: "deallocated",
  osDisk: { id: "/os" },
  dataDisks: [{ lun: 0, id: "/data", ...disk }],
  ...more,
});

test.each<readonly [string, Partial<SourceDisk>, string | undefined]>([
  ["a usual disk", {}, undefined],
  ["an Ultra disk", { storageAccountType: "UltraSSD_LRS" }, "CaptureNotPossible"],
  ["a Premium SSD v2 disk", { storageAccountType: "PremiumV2_LRS" }, "CaptureNotPossible"],
  ["a shared disk", { maxShares: 2 }, "CaptureNotPossible"],
  ["a disk that is not managed", { unmanaged: true }, "CaptureNotPossible"],
])("%s", (_, disk, code) => {
  expect(whyNot(machine(disk))?.code).toBe(code);
});

test("a machine whose power state nobody knows counts as running", () => {
  const { powerState: _, ...unknown } = machine({});
  expect(whyNot(unknown)?.code).toBe("MachineRuns");
});

test("a snapshot is read as the machine's disk, with what the machine alone shows", async () => {
  const purchasePlan = { name: "9", publisher: "contoso", product: "linux" };
  const disk = machine({}, { id: "/os", osDisk: { encryptionType: "x" }, dataDisks: [] });
  const reader = {
    getSource: (id: string) =>
      Promise.resolve(
        id === MACHINE ? machine({}, { osState: "Generalized", purchasePlan }) : disk,
      ),
  } as unknown as ResourceReader;
  const id = snapshotId(CAPTURE_GROUP, idOf(capturedVersionId("1.0.0")), MACHINE, undefined, 1e12);
  expect(await withSnapshots(reader, MACHINE).getSource(id)).toMatchObject({
    id,
    osState: "Generalized",
    purchasePlan,
    osDisk: { encryptionType: "x" },
  });
});

import { expect, test } from "vitest";
import { captureIn, prefixOf, snapshotId } from "../../../../src/image-version/capture/names.js";
import { formatImageVersionId, keyOf } from "../../../../src/resource-id.js";
import { idOf } from "../../../support/dependencies.js";
import { seedResource, seedVersionId } from "../../../support/requests.js";

const GROUP = "/subscriptions/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/resourceGroups/Captures";
const ID = idOf(seedVersionId("1.0.0"));
const MACHINE = seedResource("virtualMachines/buildvm");
const NOW = Date.UTC(2026, 5, 1);

test("a name tells the version, the machine and the disk, in any case", () => {
  const name = snapshotId(GROUP, ID, MACHINE, 12, NOW);
  const key = keyOf(formatImageVersionId(ID));
  expect(captureIn(name.toUpperCase().replace("/SNAPSHOTS/", "/snapshots/"))).toEqual({
    prefix: prefixOf(key, MACHINE.toUpperCase()),
    key: key.slice(0, 20),
    lun: 12,
  });
  expect(captureIn(snapshotId(GROUP, ID, MACHINE, undefined, NOW))?.lun).toBeUndefined();
});

test.each(["-os-copy", "", "-lun100"])("a name that ends otherwise is none: %j", (end) => {
  expect(captureIn(`${snapshotId(GROUP, ID, MACHINE, undefined, NOW).slice(0, -3)}${end}`)).toBe(
    undefined,
  );
});

test("no two are alike, and each fits Azure's 80 characters", () => {
  const names = new Set<string>();
  for (let i = 0; i < 10_000; i += 1)
    names.add(
      snapshotId(
        GROUP,
        { ...ID, versionName: `1.${i % 10}.0` },
        `${MACHINE}${Math.floor(i / 10) % 10}`,
        i % 3 === 0 ? undefined : i % 64,
        NOW + i * 1_000,
      ),
    );
  expect(names.size).toBe(10_000);
  for (const name of names) expect(name.split("/").at(-1)?.length).toBeLessThanOrEqual(80);
});

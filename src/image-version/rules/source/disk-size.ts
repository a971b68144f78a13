import { disksIn, sourceOf } from "../source.js";
import type { GatheredRule } from "../rule.js";

/** "The image size should be less than 2 TB, but you can use shallow replication to support larger image sizes (up to 32 TB)." */
const LARGEST_IN_GB = { Full: 2048, Shallow: 32 * 1024 } as const;

export const diskSize: GatheredRule = {
  name: "disk-size",
  code: "SourceDiskTooLarge",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: `No disk of the source is larger than ${LARGEST_IN_GB.Full} GB, or ${LARGEST_IN_GB.Shallow} GB if replicationMode is Shallow: replication would fail after hours.`,
  check: ({ request, gathered }) => {
    const source = sourceOf(request, gathered);
    const { replicationMode = "Full" } = request.properties.publishingProfile ?? {};
    const largest = LARGEST_IN_GB[replicationMode];
    return (source === undefined ? [] : disksIn(source))
      .filter(({ sizeInGB = 0 }) => sizeInGB > largest)
      .map(({ pointer, disk, id, sizeInGB }) => ({
        pointer,
        message: `The ${disk} of the source${id === undefined ? "" : ` (${id})`} has ${sizeInGB} GB; with replicationMode ${replicationMode} Azure replicates at most ${largest} GB.`,
        remediation:
          replicationMode === "Full"
            ? `Use a source with smaller disks, or replicationMode Shallow (one replica, only in the version's location).`
            : "Use a source with smaller disks.",
      }));
  },
};

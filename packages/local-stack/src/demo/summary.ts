import type { ImageVersion, Operation } from "./api.js";
import type { Style } from "./style.js";

/** A request's outcome, as the API tells it in the end. */
export interface Outcome {
  readonly version: string;
  readonly operation: Operation;
  /** Absent: Azure has none. */
  readonly image: ImageVersion | undefined;
}

const HEADER = [
  "Version",
  "Region",
  "Replicas",
  "Usable after",
  "Disk",
  "Disk encryption set",
] as const;
const RIGHT_ALIGNED: readonly number[] = [2, 3];

/** The table at the end: a row for each region and disk of a version, or why there are none. */
export function summary(outcomes: readonly Outcome[], style: Style): string {
  const rows: (readonly string[])[] = [HEADER];
  for (const outcome of outcomes) rows.push(...rowsOf(outcome));
  const widths = HEADER.map((_, column) =>
    Math.max(
      ...rows.filter((row) => row.length === HEADER.length).map((row) => row[column]?.length ?? 0),
    ),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        RIGHT_ALIGNED.includes(column)
          ? cell.padStart(widths[column] ?? 0)
          : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  const [header = "", ...body] = lines;
  const rule = "─".repeat(Math.max(...lines.map((line) => line.length)));
  return [style("bold", header), style("dim", rule), ...body].map((line) => `  ${line}`).join("\n");
}

function rowsOf({ version, operation, image }: Outcome): string[][] {
  const { error } = operation;
  if (error !== undefined || image === undefined)
    return [
      [version, `refused: ${error?.errors.length ?? 0} findings, nothing was created in Azure`],
    ];
  return image.sigil.regions.flatMap(({ name, encryption }, index) => {
    const replicas = image.properties.publishingProfile.targetRegions.find(
      (region) => region.name === name,
    )?.regionalReplicaCount;
    const disks = [
      ["OS", encryption.osDiskImage.diskEncryptionSetId],
      ...encryption.dataDiskImages.map(({ lun, diskEncryptionSetId }) => [
        `LUN ${lun}`,
        diskEncryptionSetId,
      ]),
    ].map(([disk = "", id]) => [disk, nameOf(id)]);
    return disks.map((disk, row) =>
      row === 0
        ? [
            index === 0 ? version : "",
            name,
            String(replicas),
            usableAfter(operation, name),
            ...disk,
          ]
        : ["", "", "", "", ...disk],
    );
  });
}

/** From the request's acceptance to the region's completion. */
function usableAfter({ createdTime, regions }: Operation, name: string): string {
  const completed = regions.find((region) => region.name === name);
  const ms = Date.parse(completed?.completedTime ?? "") - Date.parse(createdTime);
  return Number.isNaN(ms) ? "" : `${(ms / 1000).toFixed(1)} s`;
}

function nameOf(id: string | undefined): string {
  return id?.split("/").at(-1) ?? "platform key";
}

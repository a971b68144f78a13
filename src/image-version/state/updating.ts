/** Tells a person what Azure is working on, and what to do meanwhile. Pure. */
import { whatToDo } from "../../conditions/conditions.js";
import type { Finding } from "../../errors.js";
import type { RegionRecord } from "../../operation/records.js";
import { formatImageVersionId, type ImageVersionId } from "../../resource-id.js";
import { isBusy, type ObservedImageVersion } from "../resources.js";
import { unapplied } from "./fold.js";
import type { ImageVersionRecord } from "./record.js";

type Shown = Pick<ObservedImageVersion, "provisioningState">;
/** Others began a copy without times. */
type Copy = Pick<RegionRecord, "name" | "state" | "progress"> &
  Partial<Pick<RegionRecord, "begunTime" | "lastProgressTime">>;

/** What keeps Azure from taking a change, and since when. */
export function updating(
  name: string,
  { provisioningState }: Shown,
  copies: readonly Copy[],
): string {
  const open = copies.filter(({ state }) => state === "Unknown" || state === "Replicating");
  return [
    `Azure is working on ${name} (${provisioningState}) and accepts no other change meanwhile.`,
    ...open.map(
      ({ name: region, progress, begunTime, lastProgressTime }) =>
        `${region} has been replicating${since(begunTime)}, and is at ${progress} %${since(lastProgressTime)}.`,
    ),
  ].join(" ");
}

function since(time: string | undefined): string {
  return time === undefined ? "" : ` since ${time}`;
}

/** How machines get another latest before Azure is done with the version. */
export function otherLatest(resourceId: string): string {
  const { sentence, command } = whatToDo("AzureIsUpdating", resourceId);
  return `${sentence.replace(/\.$/u, "")}: ${command}`;
}

/** Why the requests that are not applied wait for Azure. */
export function waitsForAzure(record: ImageVersionRecord, shown: Shown): string {
  const isAboutLatest = unapplied(record).some(
    ([, { release, ending }]) => release !== undefined && ending === undefined,
  );
  return [
    `${updating("the version", shown, record.regions)} Sigil sends the change once Azure is done.`,
    ...(isAboutLatest ? [otherLatest(record.resourceId)] : []),
  ].join(" ");
}

/** Warns that a change of latest waits. */
export function updatingFindings(
  id: ImageVersionId,
  look: ObservedImageVersion | undefined,
  record: ImageVersionRecord | undefined,
): readonly Finding[] {
  return look === undefined || !isBusy(look)
    ? []
    : [
        {
          code: "AzureIsUpdating",
          pointer: "",
          message: `${updating("the version", look, record?.regions ?? look.regions)} Sigil sends the change once Azure is done.`,
          severity: "warning",
          remediation: otherLatest(formatImageVersionId(id)),
        },
      ];
}

/** The message, error and event that end an operation. */
import type { Finding } from "../../errors.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { event, type OperationEnd } from "../../operation/advance.js";
import { cancellation } from "../../operation/canceling.js";
import { failure, outcomes } from "../../operation/failing.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationFailure, OperationRecord } from "../../operation/records.js";
import { canonicalRegion } from "../../resource-id.js";
import { pointerTo, regionField } from "../properties/fields.js";
import type { End } from "../state/happened.js";
import type { ImageVersionRecord } from "../state/record.js";
import { sentence, whyNotRepaired } from "../state/repairs.js";
import { namingSnapshots } from "../state/snapshots-left.js";

type Of<Kind> = Extract<End, { readonly kind: Kind }>;

export function endingOf(
  end: End,
  record: ImageVersionRecord,
  operation: OperationRecord,
  context: TransitionContext,
): OperationEnd {
  const fail = (error: OperationFailure): OperationEnd =>
    failure(operation, error, end.regions, context);
  switch (end.kind) {
    case "succeeded":
      return {
        status: "Succeeded",
        message: successOf(end),
        event: event(operation, context, IMAGE_VERSION_EVENT.completed, "completed", {
          regions: outcomes(end.regions),
        }),
      };
    case "canceled": {
      const { by, consequence = "Azure keeps the version.", lost } = end;
      return cancellation(operation, `${sentence(consequence)}${lossOf(lost)}`, by, context);
    }
    case "failed": {
      const { code, message, errors, lost } = end;
      return fail({
        code,
        message: lost.length === 0 ? message : `${sentence(message)}${lossOf(lost)}`,
        errors,
      });
    }
    case "replicationFailed":
      return fail(namingSnapshots(replicationFailure(end, record), end.request, true, context.now));
  }
}

function successOf({ regions, failed }: Of<"succeeded">): string {
  const done =
    regions.length === 0
      ? "Azure shows the version as requested."
      : `The version is usable in ${regions.map(({ name }) => name).join(", ")}.`;
  return failed.length === 0
    ? done
    : `${done} It is not usable in ${failed.join(", ")}, which this operation does not name: retry it (POST …/retry), or publish another version where that is refused.`;
}

/** The sentence about regions that could not be added back; empty if there are none. */
export function lossOf(lost: readonly string[]): string {
  if (lost.length === 0) return "";
  const one = lost.length === 1;
  return ` ${lost.join(", ")} ${one ? "was removed for its repair" : "were removed for their repair"}, and could not be added back. Once the cause is fixed, retry ${one ? "it" : "them"} (POST …/retry): ${one ? "it is added back as it was" : "they are added back as they were"}.`;
}

/** Azure neither removes nor adds back the version's own location. */
function remedyIn(region: string, isHome: boolean): string {
  return isHome
    ? `Publish another version: ${region} is the version's own location, which cannot be retried.`
    : `Fix the cause if it is not Azure's, such as a quota, then retry the region: POST …/retry with {"regions":["${region}"]}.`;
}

function replicationFailure(
  { regions, lost, reason, request }: Of<"replicationFailed">,
  { repairs, status }: ImageVersionRecord,
): OperationFailure {
  const failed = regions.filter(({ state }) => state === "Failed");
  const home = canonicalRegion(status?.resource.location ?? "");
  const errors = failed.map(({ name, details }): Finding => ({
    code: reason?.code ?? "RegionFailed",
    pointer: pointerTo(request.body, regionField(name)),
    message: `Replication to ${name} failed: ${details ?? reason?.message ?? "Azure gave no reason"}`,
    // A rule's refusal names its own remedy.
    ...(repairs[name]?.refused === undefined && { remediation: remedyIn(name, name === home) }),
  }));
  const refused = failed.flatMap(({ name }) => repairs[name]?.refused ?? []);
  const whys = failed.map(({ name }) => {
    const findings = repairs[name]?.refused;
    return findings ? ` ${whyNotRepaired(name, findings)}` : "";
  });
  if (failed.length === 0 && reason !== undefined)
    errors.push({ code: reason.code, pointer: "", message: reason.message });
  const what =
    failed.length === 0
      ? "Every region has its copy, but the version's provisioning state is Failed."
      : `The version is not usable in ${failed.map(({ name }) => name).join(", ")}.`;
  const said =
    reason === undefined
      ? ""
      : ` Azure Resource Manager says: ${refused.length === 0 ? reason.message : sentence(reason.message)}`;
  return {
    code: "ReplicationFailed",
    message: `${what}${said}${whys.join("")}${lossOf(lost)}`,
    errors: [...errors, ...refused],
  };
}

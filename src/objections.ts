/**
 * Joins the objections of all rooms to an action on a version. The core asks only this port, and
 * knows none of the rooms.
 */
import type { Gate } from "./authorization/gallery-policy.js";
import type { Freezes } from "./gate/freezes.js";
import { objectionsByGate } from "./gate/objections.js";
import type { Dependencies, Objection } from "./image-version/index.js";
import { keptNow } from "./retention/kept-now.js";
import type { RetentionDependencies } from "./retention/ports.js";
import { objectionsByBan } from "./revocation/bans.js";
import type { Revocations } from "./revocation/record.js";
import type { RolloutDependencies } from "./rollout/ports.js";
import { whyNotByRule } from "./rollout/roll-out.js";

interface Rooms {
  readonly gates: readonly Gate[];
  readonly freezes: Pick<Freezes, "list">;
  readonly revocations: Pick<Revocations, "readRecord">;
  readonly rollout: RolloutDependencies;
  readonly retention: RetentionDependencies;
}

/** `rooms` is called when needed, because the rooms need the core themselves. */
export function createObjections(rooms: () => Rooms): Dependencies["objections"] {
  return async (id, deed) => {
    const { gates, freezes, revocations, rollout, retention } = rooms();
    const byBan = await objectionsByBan(revocations, id, deed);
    if (byBan.length > 0) return byBan;
    switch (deed.kind) {
      case "obeyRule":
        return objected("Superseded", await whyNotByRule(rollout, id, deed.record, deed.change));
      case "deleteByPolicy":
        return objected("KeptByRetention", await keptNow(retention, id));
      default:
        return objectionsByGate({ ...rollout, gates, freezes, revocations }, id, deed);
    }
  };
}

/**
 * An objection to what automation began: automation decides again, and no person needs a
 * remediation.
 */
function objected(code: Objection["code"], message: string | undefined): readonly Objection[] {
  return message === undefined ? [] : [{ code, pointer: "", message, remediation: "" }];
}

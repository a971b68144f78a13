/** What all of Sigil has against what is to be done with a version: the core asks this one port, and knows none of them. */
import type { Gate } from "./authorization/gallery-policy.js";
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
  readonly revocations: Pick<Revocations, "readRecord">;
  readonly rollout: RolloutDependencies;
  readonly retention: RetentionDependencies;
}

/** `rooms`: asked for when it is needed, as they need the core themselves. */
export function createObjections(rooms: () => Rooms): Dependencies["objections"] {
  return async (id, deed) => {
    const { gates, revocations, rollout, retention } = rooms();
    const byBan = await objectionsByBan(revocations, id, deed);
    if (byBan.length > 0) return byBan;
    switch (deed.kind) {
      case "obeyRule":
        return objected("Superseded", await whyNotByRule(rollout, id, deed.record, deed.change));
      case "deleteByPolicy":
        return objected("KeptByRetention", await keptNow(retention, id));
      default:
        return objectionsByGate({ ...rollout, gates, revocations }, id, deed);
    }
  };
}

/** To what a machine has begun: it decides anew, and nobody is told what to do. */
function objected(code: Objection["code"], message: string | undefined): readonly Objection[] {
  return message === undefined ? [] : [{ code, pointer: "", message, remediation: "" }];
}

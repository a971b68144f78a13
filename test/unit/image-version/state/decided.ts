/** What is decided of a version, as decisions are tested. */
import { expect } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  reconcile,
  type Decision,
} from "../../../../src/image-version/state/reconcile.js";
import type {
  Attempt,
  Write,
  ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import {
  at,
  changeOf,
  COMPLETED,
  lookOf,
  succeeded,
  time,
} from "../../../support/transitions.js";

export const EAST = regionField("eastus2");
export const REPLICAS = `${EAST}/regionalReplicaCount`;
export const RULE = { when: "allRegionsReady" } as const;
export const ID = succeeded().operation.id;

export function recordWith(
  more: Partial<ImageVersionRecord>,
): ImageVersionRecord {
  const { lastAttempt: _, ...record } = succeeded().record;
  return { ...record, ...more };
}

/** A version that Azure has, and of which an operation asks that. */
export const asking = (
  changes: Patch,
  more: Partial<ImageVersionRecord> = {},
) => recordWith({ requests: { [ID]: changeOf(changes) }, ...more });

export function decided(
  record: ImageVersionRecord,
  provisioningState = "Succeeded",
  shown: Patch = {},
  seconds = 1_000,
  regions: Parameters<typeof lookOf>[1] = COMPLETED,
): Decision {
  return reconcile(
    record,
    lookOf(provisioningState, regions, { changes: shown }),
    at(seconds),
  );
}

export function putOf(decision: Decision) {
  return decision.kind === "put"
    ? decision
    : expect.fail(`it is ${JSON.stringify(decision)}`);
}

export const sent = (changes: Patch, more: Partial<Attempt> = {}): Attempt => ({
  changes,
  regions: [],
  sentTime: time(900),
  outcome: "accepted",
  sentFor: [ID],
  ...more,
});

/** That attempt among the writes of the last minutes: of what it changes there was nothing before it. */
export const writesOf = ({
  changes,
  sentTime,
  outcome,
}: Attempt): readonly Write[] =>
  outcome === "refused"
    ? []
    : [
        {
          changes,
          was: {},
          sentTime,
          ...(outcome !== "unknown" && { acceptedTime: sentTime }),
        },
      ];

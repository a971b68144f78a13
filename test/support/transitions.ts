import {
  canonicalForm,
  fingerprintOf,
  targetRegionsOf,
} from "../../src/image-version/canonical-form.js";
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type { ObservedImageVersion } from "../../src/image-version/ports.js";
import type {
  RegionState,
  TrackedRecord,
  Pair,
} from "../../src/operation/records.js";
import { keyOf } from "../../src/resource-id.js";
import type { Moment } from "../../src/operation/ports.js";
import type { ImageVersionPair } from "../../src/image-version/records.js";
import {
  accept,
  beginCreation,
  followReplication,
} from "../../src/image-version/transitions.js";
import { PACE, TRACEPARENT } from "./dependencies.js";
import { managedImageRequest, seedVersionId } from "./requests.js";

const START = Date.UTC(2026, 0, 1);

/** So many seconds after the first request. */
export function at(seconds: number): Moment {
  return {
    now: new Date(START + seconds * 1_000),
    pace: { ...PACE, repairAttempts: 0 },
    eventSource: "urn:sigil:test",
  };
}

/** A version whose request was just accepted. */
export function accepted(
  body: ImageVersionRequest = managedImageRequest(),
  previous?: ImageVersionPair,
): ImageVersionPair {
  const resourceId = seedVersionId("1.0.0");
  const request = canonicalForm(body);
  return accept(
    {
      kind: "CreateImageVersion",
      key: keyOf(resourceId),
      resourceId,
      request,
      fingerprint: fingerprintOf(request),
      requestedBy: { appId: "build-system" },
      traceparent: TRACEPARENT,
    },
    previous?.record,
    at(0),
  );
}

/** The same with an empty outbox: all is told. */
export function told<R extends TrackedRecord>({
  record,
  operation,
}: Pair<R>): Pair<R> {
  return { record: { ...record, outbox: [] }, operation };
}

export function creating(): ImageVersionPair {
  return told(
    beginCreation(
      told(accepted()),
      {
        record: {
          encryptionTypes: Object.fromEntries(
            targetRegionsOf(accepted().record.request).flatMap((region) => [
              [
                region.encryption?.osDiskImage?.diskEncryptionSetId?.toLowerCase() ??
                  "",
                "EncryptionAtRestWithCustomerKey",
              ],
            ]),
          ),
          dataDiskLuns: [0],
        },
        operation: {},
      },
      at(1),
    ),
  );
}

export function replicating(): ImageVersionPair {
  return told(
    followReplication(
      creating(),
      {
        kind: "accepted",
        armOperationUrl: "https://arm.example/operations/1",
      },
      at(2),
    ),
  );
}

/** ARM's answer: the version as it was asked for, its regions in these states and percentages. */
export function observed(
  provisioningState: string,
  regions: Readonly<Record<string, readonly [RegionState, number, string?]>>,
): ObservedImageVersion {
  return {
    provisioningState,
    request: accepted().record.request,
    regions: Object.entries(regions).map(
      ([name, [state, progress, details]]) => ({
        name,
        state,
        progress,
        ...(details !== undefined && { details }),
      }),
    ),
  };
}

/** Each effect in a few words, in order. */
export function effectsOf({ record }: Pair<TrackedRecord>): string[] {
  return record.outbox.map((effect) => {
    switch (effect.kind) {
      case "event":
        return `event ${effect.event.id.replace(/^.*?\//u, "")}`;
      case "message":
        return `message ${effect.message.id.replace(/^.*?:/u, "")} to ${effect.message.queue}`;
      case "index":
        return effect.remove.length > 0
          ? `index from ${effect.remove[0]?.scope.split("-").at(-1)}`
          : "index from nothing";
      case "close":
        return "close";
    }
  });
}

/** States of one version, and the steps between them, without I/O. */
import type { CloudEvent } from "../../src/events/cloud-event.js";
import { askedOf } from "../../src/image-version/commands/asked.js";
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import { patched } from "../../src/image-version/properties/body.js";
import { canonicalForm, fingerprintOf } from "../../src/image-version/properties/canonical-form.js";
import { fieldsOf, regionsIn } from "../../src/image-version/properties/fields.js";
import type { Patch } from "../../src/image-version/properties/patch.js";
import type { Look } from "../../src/image-version/resources.js";
import type { Accepting } from "../../src/image-version/state/accepting.js";
import { reconcile, withReplicas, type Put } from "../../src/image-version/state/reconcile.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
} from "../../src/image-version/state/record.js";
import { isFinal } from "../../src/image-version/state/states.js";
import { KINDS } from "../../src/kinds.js";
import type { PollingPolicy, TransitionContext } from "../../src/operation/ports.js";
import type {
  OperationRecord,
  Pair,
  RegionState,
  TrackedRecord,
} from "../../src/operation/records.js";
import { firstSequenceOf } from "../../src/operation/sequence.js";
import { keyOf } from "../../src/resource-id.js";
import { PACE, TRACEPARENT } from "./dependencies.js";
import { nthOf } from "./operation-ids.js";
import { managedImageRequest, seedVersionId } from "./requests.js";
import { accept } from "../../src/image-version/telling/accept.js";
import { see } from "../../src/image-version/telling/tell.js";
import { beginWrite, fails, follow, writeAccepted } from "./decisions.js";

const START = Date.UTC(2026, 5, 1);
const ARM_OPERATION = "https://arm.example/operations/1";
export const VERSION_ID = seedVersionId("1.0.0");
export const KEY = keyOf(VERSION_ID);

/** So many seconds after the first request. */
export function at(seconds: number, pace: Partial<PollingPolicy> = {}): TransitionContext {
  return {
    now: new Date(START + seconds * 1_000),
    pace: { ...PACE, repairAttempts: 0, ...pace },
    eventSource: "urn:sigil:test",
    kinds: KINDS,
  };
}

/** The id of the version's `n`th operation. */
export function nth(n: number): string {
  return nthOf(accepted().record, n);
}

/** RFC 3339. */
export function time(seconds: number): string {
  return at(seconds).now.toISOString();
}

/** What a PUT of a version that Azure does not have asks. */
export function putOf(
  given: ImageVersionRequest,
  more: Partial<VersionRequest> = {},
): VersionRequest {
  const body = canonicalForm(given);
  const {
    stays: _,
    endsRule: __,
    ...asked
  } = askedOf(
    {
      command: {},
      body,
      removeRegions: [],
      glance: { look: undefined, seen: true },
    },
    undefined,
  );
  return { ...asked, body, creates: true, ...more };
}

/** A change that a patch asks: it creates nothing. */
export function changeOf(patch: Patch, more: Partial<VersionRequest> = {}): VersionRequest {
  return { patch, ...more };
}

export function acceptingOf(request: VersionRequest, more: Partial<Accepting> = {}): Accepting {
  const body = request.body ?? ({ properties: { storageProfile: {} } } as ImageVersionRequest);
  return {
    kind: request.creates === true ? "CreateImageVersion" : "UpdateImageVersion",
    key: KEY,
    resourceId: VERSION_ID,
    request,
    regions: regionsIn(request.body ? fieldsOf(body) : request.patch),
    fingerprint: fingerprintOf(body),
    requestedBy: { appId: "build-system" },
    traceparent: TRACEPARENT,
    ...more,
  };
}

/** A version whose request was just accepted. */
export function accepted(
  body: ImageVersionRequest = managedImageRequest(),
  previous?: ImageVersionPair,
): ImageVersionPair {
  return accept(acceptingOf(putOf(body)), previous, at(0));
}

/** Another operation goes on beside those of the pair. */
export function beside(
  pair: ImageVersionPair,
  request: VersionRequest,
  more: Partial<Accepting> = {},
  context = at(5),
): ImageVersionPair & { readonly accepted: OperationRecord } {
  const next = accept(acceptingOf(request, more), pair, context);
  return { ...told(next), accepted: next.accepted };
}

/** The same with an empty outbox: all is told. */
export function told<R extends TrackedRecord>({ record, operation }: Pair<R>): Pair<R> {
  return { record: { ...record, outbox: [] }, operation };
}

/** What Azure shows: the body as ARM would complete it, its regions in these states and percentages. */
export function lookOf(
  provisioningState: string,
  regions: Readonly<Record<string, readonly [RegionState, number, string?]>> = {},
  {
    body = managedImageRequest(),
    changes = {},
    seconds = 0,
    publishedDate = time(1),
  }: {
    readonly body?: ImageVersionRequest;
    readonly changes?: Patch;
    readonly seconds?: number;
    readonly publishedDate?: string;
  } = {},
): Look {
  return {
    provisioningState,
    resource: patched(withReplicas(canonicalForm(body)), changes),
    publishedDate,
    time: time(seconds),
    regions: Object.entries(regions).map(([name, [state, progress, details]]) => ({
      name,
      state,
      progress,
      ...(details !== undefined && { details }),
    })),
  };
}

export const REPLICATING = {
  westus: ["Replicating", 10],
  eastus2: ["Replicating", 20],
} as const;
export const COMPLETED = {
  westus: ["Completed", 100],
  eastus2: ["Completed", 100],
} as const;

/** One step with what it has seen, as steps/take-step.ts takes it; ARM accepts what is sent. */
export function step(
  before: ImageVersionPair,
  look: Look | undefined,
  context: TransitionContext,
  reason?: { readonly code: string; readonly message: string },
): { readonly pair: ImageVersionPair; readonly put?: Put } {
  const pair = see(before, look, context, { reason });
  if (isFinal(pair.record.state)) return { pair };
  const decision = reconcile(pair.record, context);
  switch (decision.kind) {
    case "put": {
      const begun = beginWrite(pair, decision, context);
      return {
        pair: writeAccepted(begun, ARM_OPERATION, context),
        put: decision,
      };
    }
    case "failed":
      return { pair: fails(pair, decision.ids, decision.failure, context) };
    case "wait":
    case "none":
      return { pair: follow(pair, decision, context) };
  }
}

/** Its create request is stored, to be sent. */
export function creating(body?: ImageVersionRequest): ImageVersionPair {
  const pair = told(accepted(body));
  const decision = reconcile(pair.record, at(1));
  if (decision.kind !== "put") throw new Error(decision.kind);
  return told(beginWrite(pair, decision, at(1)));
}

/** ARM has accepted its create request. */
export function replicating(body?: ImageVersionRequest): ImageVersionPair {
  return told(writeAccepted(creating(body), ARM_OPERATION, at(2)));
}

/** Azure shows all that was asked, and it is applied; its regions replicate. */
export function applied(body?: ImageVersionRequest): ImageVersionPair {
  const look = lookOf("Succeeded", REPLICATING, body ? { body } : {});
  return told(step(replicating(body), look, at(10)).pair);
}

/** Its operation has succeeded. */
export function succeeded(body?: ImageVersionRequest): ImageVersionPair {
  const look = lookOf("Succeeded", COMPLETED, body ? { body } : {});
  return told(step(replicating(body), look, at(10)).pair);
}

export const withRecord = (
  pair: ImageVersionPair,
  more: Partial<ImageVersionRecord>,
): ImageVersionPair => ({ ...pair, record: { ...pair.record, ...more } });

export function eventsOf({ record }: Pair<TrackedRecord>): CloudEvent[] {
  return record.outbox.flatMap((effect) => (effect.kind === "event" ? [effect.event] : []));
}

/** Ids of events without what they have in common: the operation's number, and what is told of it. */
export function toldOf(pair: Pair<TrackedRecord>): string[] {
  const before = firstSequenceOf(pair.record) - 1;
  return eventsOf(pair).map(({ id }) =>
    id.replace(/^[0-9a-f]{32}-(\d+)/u, (_, sequence) => `${Number(sequence) - before}`),
  );
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
      default:
        return effect.kind;
    }
  });
}

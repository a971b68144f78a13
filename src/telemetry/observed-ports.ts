/**
 * Ports that count and log the facts that pass through them, so that this happens in one place.
 * Invariants:
 *  1. A fact is counted and logged once it is published, and as often. After a crash between
 *     publishing and the commit that empties the outbox it is published again, so counters may
 *     count it twice; they never miss one.
 *  2. Observing changes nothing: arguments, answers and errors pass unchanged.
 */
import { trace } from "@opentelemetry/api";
import type { CloudEvent } from "../events/cloud-event.js";
import { IMAGE_EVENT } from "../events/image-events.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { SUBSCRIPTION_EVENT } from "../events/subscription-events.js";
import type { EventPublisher, StateStore, Stored } from "../operation/ports.js";
import { operationIn, type OperationRecord, type TrackedRecord } from "../operation/records.js";
import { activeLog } from "./log.js";
import type { Metrics } from "./metrics.js";

interface Ports<R extends TrackedRecord> {
  readonly store: StateStore<R>;
  readonly events: EventPublisher;
}

/** The used members of any event's data. */
interface EventData {
  readonly operationId?: string;
  readonly kind?: string;
  readonly region?: string;
  readonly error?: {
    readonly code?: string;
    readonly errors?: readonly { readonly code: string }[];
  };
}

/** Store and publisher belong together, because the store knows the operation of an event. */
export function observePorts<R extends TrackedRecord>(
  { store, events }: Ports<R>,
  metrics: Metrics,
): Ports<R> {
  /** By the event object in an outbox, which is the object that is then published. */
  const operations = new WeakMap<CloudEvent, OperationRecord>();

  const seen = (stored: Stored<R>): Stored<R> => {
    const { record, operation } = stored;
    learn(operation);
    for (const effect of record.outbox)
      if (effect.kind === "event") operations.set(effect.event, operationOf(effect.event, stored));
    return stored;
  };

  return {
    store: {
      async read(key) {
        const stored = await store.read(key);
        return stored && seen(stored);
      },
      readRecord: (key) => store.readRecord(key),
      readOperation: (operationId) => store.readOperation(operationId),
      commit: async (...unit) => seen(await store.commit(...unit)),
      forget: (stored, operationId) => store.forget(stored, operationId),
    },
    events: {
      async publish(published) {
        try {
          await events.publish(published);
        } catch (error) {
          metrics.unpublished(published.length);
          activeLog()?.error("could not publish events; they wait to be sent again", error, {
            events: published.length,
          });
          throw error;
        }
        for (const event of published) {
          count(metrics, event, operations.get(event)); // Invariant 1.
          log(event, operations.get(event));
        }
      },
    },
  };
}

/** The event may belong to a member. */
function operationOf(event: CloudEvent, stored: Stored<TrackedRecord>): OperationRecord {
  const { operationId } = event.data as EventData;
  return operationIn(stored, operationId ?? "") ?? stored.operation;
}

/** Adds the operation's ids to the invocation's span and log lines. */
function learn({ id, resourceId }: OperationRecord): void {
  trace.getActiveSpan()?.setAttributes({
    "sigil.operation.id": id,
    "sigil.resource.id": resourceId,
  });
  activeLog()?.learn(id, { resourceId });
}

function count(metrics: Metrics, event: CloudEvent, operation: OperationRecord | undefined): void {
  const data = event.data as EventData;
  const code = data.error?.code ?? "Unknown";
  const region = data.region ?? "Unknown";
  switch (event.type) {
    case IMAGE_VERSION_EVENT.accepted:
      return metrics.accepted(data.kind ?? "Unknown");
    case IMAGE_EVENT.rollbackAccepted:
      return metrics.accepted("RollBackImage");
    case SUBSCRIPTION_EVENT.preparationRequested:
      return metrics.accepted("PrepareSubscription");
    case IMAGE_VERSION_EVENT.rejected:
      return metrics.rejected(code, "servicebus");
    case IMAGE_VERSION_EVENT.failed:
    case SUBSCRIPTION_EVENT.preparationFailed:
    case IMAGE_EVENT.rollbackFailed:
      return metrics.failed(code);
    case IMAGE_VERSION_EVENT.regionCompleted:
      return metrics.regionReady(
        region,
        operation?.startedTime === undefined
          ? undefined
          : (Date.parse(event.time) - Date.parse(operation.startedTime)) / 1_000,
      );
    case IMAGE_VERSION_EVENT.regionFailed:
      return metrics.regionFailed(region);
  }
}

/**
 * Progress is not logged: a version has hundreds of such events, and its operation shows the
 * latest.
 */
function log(
  { type, subject, traceparent, data }: CloudEvent,
  operation: OperationRecord | undefined,
): void {
  if (type === IMAGE_VERSION_EVENT.regionReplicating) return;
  const { operationId, region, error } = data as EventData;
  activeLog()?.info(type, {
    operationId,
    resourceId: subject,
    region,
    code: error?.code,
    findings: codesOf(error?.errors, operation?.warnings),
    traceparent,
  });
}

/** Each code once, such as `DiskEncryptionSetWithoutKey LunNotInSource`; undefined: none. */
function codesOf(
  ...findings: readonly (readonly { readonly code: string }[] | undefined)[]
): string | undefined {
  const codes = new Set(findings.flat().map((finding) => finding?.code));
  codes.delete(undefined);
  return codes.size === 0 ? undefined : [...codes].join(" ");
}

import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { ImageVersionRecord } from "../../../src/image-version/state/record.js";
import { KINDS } from "../../../src/kinds.js";
import type { OperationDependencies } from "../../../src/operation/ports.js";
import type { ArmCall, Pair, WorkMessage } from "../../../src/operation/records.js";
import { OPEN_SCOPE } from "../../../src/operation/catalog.js";
import { ServiceError } from "../../../src/errors.js";
import { PACE } from "../../support/dependencies.js";
import { createMemoryIdempotencyKeys } from "../../support/fakes/idempotency-keys.js";
import { createMemoryIndex } from "../../support/fakes/listing-index.js";
import { createMemoryStore } from "../../support/fakes/state-store.js";
import { at } from "../../support/transitions.js";

export const CONFLICT = new ServiceError("StateConflict", "Another came.", {
  retryAfterMs: 1,
});

/** What operations need, in memory, and what was done with it, in order. */
export interface Ports extends OperationDependencies<ImageVersionRecord> {
  readonly done: string[];
  readonly published: CloudEvent[];
  readonly enqueued: WorkMessage[];
  /** Of the step that runs. */
  callsNoted: readonly ArmCall[];
  callsWritten: number;
  /** Why each message of any step is dead. */
  dead: string[];
  seconds: number;
  open(): Promise<readonly string[]>;
}

/** `storedTime`: what the store's clock says when something is stored; absent: it has none. */
export function createPorts(storedTime?: string): Ports {
  const done: string[] = [];
  const store = createMemoryStore<ImageVersionRecord>(
    storedTime === undefined ? undefined : () => new Date(storedTime),
  );
  const index = createMemoryIndex(() => at(0).now);
  const ports: Ports = {
    done,
    published: [],
    enqueued: [],
    callsNoted: [],
    callsWritten: 0,
    dead: [],
    seconds: 0,
    store: {
      ...store,
      async commit(...args) {
        const stored = await store.commit(...args);
        done.push("commit");
        return stored;
      },
    },
    index: {
      put: (rows) => {
        done.push(rows.some(({ scope }) => scope === OPEN_SCOPE) ? "open" : "put");
        return index.put(rows);
      },
      remove: (rows) => {
        if (rows.some(({ scope }) => scope === OPEN_SCOPE)) done.push("close");
        return index.remove(rows);
      },
      page: (...args) => index.page(...args),
    },
    idempotencyKeys: createMemoryIdempotencyKeys(() => at(0).now),
    events: {
      publish: (events) => {
        done.push("publish");
        ports.published.push(...events);
        return Promise.resolve();
      },
    },
    work: {
      enqueue: (messages) => {
        done.push("enqueue");
        ports.enqueued.push(...messages);
        return Promise.resolve();
      },
      findDead: () => {
        done.push("findDead");
        return Promise.resolve(ports.dead);
      },
    },
    calls: {
      noted: () => ports.callsNoted,
      written: (count) => {
        ports.callsWritten += count;
      },
    },
    pace: PACE,
    eventSource: "urn:sigil:test",
    now: () => at(ports.seconds).now,
    kinds: KINDS,
    open: async () => (await index.page(OPEN_SCOPE, 100)).rows.map(({ target }) => target),
  };
  return ports;
}

/** Stores the pair as the first state of its record. */
export function store(
  ports: Ports,
  { record, operation, changedOperations }: Pair<ImageVersionRecord>,
) {
  return ports.store.commit(record, operation, undefined, changedOperations);
}

/** The fakes that stand in for Azure where the domain is tested: each does what the real adapter does. */
import { ManualClock } from "@sigil-local/clock";
import { describe } from "vitest";
import type { ImageVersionRecord } from "../../src/image-version/state/record.js";
import { createMemoryIdempotencyKeys } from "../support/fakes/idempotency-keys.js";
import { createMemoryImageDocuments } from "../support/fakes/image-documents.js";
import { createMemoryIndex } from "../support/fakes/listing-index.js";
import { createMemoryQueues, createMemoryTopic } from "../support/fakes/service-bus.js";
import { createMemoryStore } from "../support/fakes/state-store.js";
import { createMemoryTestResults } from "../support/fakes/test-results.js";
import { createMemoryVersionNumbers } from "../support/fakes/version-numbers.js";
import { idempotencyKeysSuite } from "../support/port-suites/idempotency-keys.js";
import { imageDocumentsSuite } from "../support/port-suites/image-documents.js";
import { indexSuite } from "../support/port-suites/listing-index.js";
import { TIME } from "../support/port-suites/records.js";
import { serviceBusSuite } from "../support/port-suites/service-bus.js";
import { stateStoreSuite } from "../support/port-suites/state-store.js";
import { testResultsSuite } from "../support/port-suites/test-results.js";
import { versionNumbersSuite } from "../support/port-suites/version-numbers.js";

const now = (): Date => new Date(TIME);

describe("the state store", () => {
  stateStoreSuite(() => createMemoryStore<ImageVersionRecord>(() => new Date()));
});

describe("the index", () => {
  const index = createMemoryIndex(now);
  indexSuite(() => index);
});

describe("idempotency keys", () => {
  const keys = createMemoryIdempotencyKeys(now);
  idempotencyKeysSuite(() => keys);
});

describe("version numbers", () => {
  const numbers = createMemoryVersionNumbers();
  versionNumbersSuite(() => numbers);
});

describe("documents of image definitions", () => {
  imageDocumentsSuite(() => createMemoryImageDocuments("document"));
});

describe("test results", () => {
  testResultsSuite(() => createMemoryTestResults());
});

describe("queues and topic", () => {
  serviceBusSuite(() => {
    const clock = new ManualClock();
    const queues = createMemoryQueues(() => clock.now());
    const topic = createMemoryTopic(() => clock.now());
    let taken = 0;
    return Promise.resolve({
      clock,
      work: queues,
      events: topic,
      take: (queue) =>
        Promise.resolve(
          queues.take(queue).map(({ operationId, step }) => `${operationId}/${step}`),
        ),
      deadLetter: (_, reason) => Promise.resolve(queues.bury(0, reason)),
      takeEvents: () => {
        const ids = topic.events.slice(taken).map(({ id }) => id);
        taken = topic.events.length;
        return Promise.resolve(ids);
      },
    });
  });
});

import { expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { createKeyMemory } from "../../../src/keys/memory.js";
import { imageRow } from "../../../src/listings.js";
import type { GuardianDependencies } from "../../../src/key-guardian/note.js";
import { runKeyGuardian } from "../../../src/key-guardian/run-key-guardian.js";
import { createMemoryImageDocuments } from "../../support/fakes/image-documents.js";
import { createMemoryIndex } from "../../support/fakes/listing-index.js";

const imageId = (number: number): string =>
  `/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/G/providers/Microsoft.Compute/galleries/G/images/I${number}`;

/** So many image definitions, of which Azure lists no version. */
async function guardianOf(
  count: number,
  list: (id: string) => Promise<[]> = () => Promise.resolve([]),
) {
  let nowMs = 0;
  const now = (): Date => new Date(nowMs);
  const index = createMemoryIndex(now);
  await index.put(Array.from({ length: count }, (_, number) => imageRow(imageId(number))));
  const listed: string[] = [];
  const deps = {
    index,
    now,
    keyStates: createMemoryImageDocuments("state of the keys"),
    keyExpiryMs: 0,
    looks: { keys: createKeyMemory(now) },
    eventSource: "urn:test",
    events: { publish: () => Promise.resolve() },
    resourceManager: {
      listImageVersions: (id: string) => {
        listed.push(id);
        return list(id);
      },
    },
  } as unknown as GuardianDependencies;
  return {
    listed,
    run: () => runKeyGuardian(deps, "00-0-0-01"),
    pass: (ms: number): void => {
      nowMs += ms;
    },
  };
}

test("a run ends after so many reads of Azure, and the next goes on there", async () => {
  const { run, listed } = await guardianOf(620);
  expect(await run()).toMatchObject({ images: 500, unfinished: true });
  expect(await run()).toMatchObject({ images: 120, unfinished: false });
  expect(new Set(listed).size).toBe(620);
  expect(await run()).toMatchObject({ images: 500, unfinished: true });
});

test("a run ends after two minutes", async () => {
  const guardian = await guardianOf(10, () => {
    guardian.pass(30_000);
    return Promise.resolve([]);
  });
  expect(await guardian.run()).toMatchObject({ images: 4, unfinished: true });
  expect(await guardian.run()).toMatchObject({ images: 4, unfinished: true });
  expect(await guardian.run()).toMatchObject({ images: 2, unfinished: false });
});

test("a run ends where Azure throttles, and the next begins with that image definition; another failure holds up none", async () => {
  const fails = new Map([
    [2, "ResourceManagerUnavailable"],
    [5, "ResourceManagerThrottled"],
  ] as const);
  let at = 0;
  const guardian = await guardianOf(8, () => {
    at += 1;
    const code = fails.get(at as 2 | 5);
    return code === undefined
      ? Promise.resolve([])
      : Promise.reject(new ServiceError(code, "no", { retryAfterMs: 1 }));
  });
  const { errors, ...first } = await guardian.run();
  expect(errors).toHaveLength(2);
  expect(first).toMatchObject({ images: 5, unfinished: true });
  expect(await guardian.run()).toMatchObject({ images: 4, unfinished: false });
  expect(guardian.listed[5]).toBe(guardian.listed[4]);
});

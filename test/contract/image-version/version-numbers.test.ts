import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import {
  createNextImageVersion,
  type CreateNextImageVersion,
} from "../../../src/image-version/commands/create-next.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { createLooks } from "../../../src/image-version/queries/looks.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { keyOf } from "../../../src/resource-id.js";
import { idOf, request, TRACEPARENT, type InProcess } from "../../support/dependencies.js";
import {
  failingDependencies,
  hasEffect,
  type Failure,
} from "../../support/failing-dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest, seedResource } from "../../support/requests.js";
import { nthOf } from "../../support/operation-ids.js";
import { newDefinition } from "./truth/support.js";
import { naming } from "../../support/naming.js";

const LARGEST = 2_147_483_647;

let world: InProcess;
let image: string;
inOwnWorld({ replicationMs: 60_000 }, (given) => {
  world = given;
});
beforeEach(async () => {
  image = await newDefinition(world);
});

function next(
  more: Partial<CreateNextImageVersion> = {},
  deps: Dependencies = world.deps,
): Promise<OperationRecord> {
  return createNextImageVersion(deps, {
    image: idOf(versionId("0.0.0")),
    increment: "patch",
    body: managedImageRequest(),
    requestedBy: { appId: "build-system", objectId: "object" },
    traceparent: TRACEPARENT,
    ...more,
  });
}

function versionId(number: string): string {
  return `${image}/versions/${number}`;
}

function numberOf({ resourceId }: OperationRecord): string {
  expect(resourceId.startsWith(`${image}/versions/`)).toBe(true);
  return resourceId.split("/").at(-1) ?? "";
}

async function nextNumber(
  more: Partial<CreateNextImageVersion> = {},
  deps: Dependencies = world.deps,
): Promise<string> {
  return numberOf(await next(more, deps));
}

/** `count` numbers from 1.0.`first` on. */
function patches(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `1.0.${first + i}`);
}

function inOrder(numbers: readonly string[]): string[] {
  return [...numbers].sort((a, b) => Number(a.split(".")[2]) - Number(b.split(".")[2]));
}

/** Makes a version by other hands than Sigil's. */
async function publish(number: string): Promise<void> {
  await world.deps.resourceManager.putImageVersion(
    idOf(versionId(number)),
    canonicalForm(managedImageRequest()),
  );
}

/** Another host of the same service: nothing of the first one's memory. */
function otherHost(): Dependencies {
  return {
    ...world.deps,
    looks: createLooks(world.deps.resourceManager, world.deps.resources, world.deps.now),
  };
}

/** As the sample, but with other counts. */
function withReplicas(regionalReplicaCount: number): ImageVersionRequest {
  const body = managedImageRequest();
  const { targetRegions = [] } = body.properties.publishingProfile ?? {};
  return {
    ...body,
    properties: {
      ...body.properties,
      publishingProfile: {
        targetRegions: targetRegions.map((region) => ({
          ...region,
          regionalReplicaCount,
        })),
      },
    },
  };
}

function withoutSource(): ImageVersionRequest {
  const body = managedImageRequest();
  return {
    ...body,
    properties: {
      ...body.properties,
      storageProfile: { source: { id: seedResource("images/noImage") } },
    },
  };
}

describe("the next number", () => {
  test("of the first version is 1.0.0, and of each after it the next patch", async () => {
    const operation = await next();
    expect(operation).toMatchObject({
      kind: "CreateImageVersion",
      status: "NotStarted",
      resourceId: versionId("1.0.0"),
      requestedBy: { appId: "build-system", objectId: "object" },
    });
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      status: "Succeeded",
    });
    expect(await nextNumber()).toBe("1.0.1");
    expect(await nextNumber()).toBe("1.0.2");
  });

  test("is by patch, minor or major, which sets those after it to 0", async () => {
    await request(world.deps, versionId("1.2.3"), managedImageRequest());
    expect(await nextNumber()).toBe("1.2.4");
    expect(await nextNumber({ increment: "minor" })).toBe("1.3.0");
    expect(await nextNumber()).toBe("1.3.1");
    expect(await nextNumber({ increment: "major" })).toBe("2.0.0");
    expect(await nextNumber({ increment: "minor" })).toBe("2.1.0");
  });

  test("is above what others have made in Azure, by number and not by text", async () => {
    for (const number of ["0.9.0", "3.0.9", "3.0.10", "2.99.0"]) await publish(number);
    expect(await nextNumber()).toBe("3.0.11");
    await publish("3.1.0");
    expect(await nextNumber()).toBe("3.1.1");
  });

  test("is above what was asked of Sigil and is not in Azure", async () => {
    await request(world.deps, versionId("4.0.0"), withoutSource());
    await world.finish(versionId("4.0.0"));
    expect(await nextNumber()).toBe("4.0.1");
  });

  test("is refused where no number is left, and a larger part still grows", async () => {
    await publish(`1.0.${LARGEST}`);
    expect(await refusal(next())).toMatchObject({
      code: "ImageVersionConflict",
      message: naming([LARGEST, "1.0"]),
      findings: [{ code: "VersionNumbersExhausted", pointer: "/query/increment" }],
    });
    expect(await nextNumber({ increment: "minor" })).toBe("1.1.0");
  });
});

describe("requests at once", () => {
  test("fifty with one body get consecutive numbers", async () => {
    const numbers = await Promise.all(patches(0, 50).map(() => nextNumber()));
    expect(inOrder(numbers)).toEqual(patches(0, 50));
  });

  test("fifty on several hosts, above a version that others made, get consecutive numbers", async () => {
    await publish("1.0.6");
    const hosts = Array.from({ length: 5 }, otherHost);
    const numbers = await Promise.all(
      patches(0, 50).map((_, i) => nextNumber({ body: withReplicas((i % 3) + 1) }, hosts[i % 5])),
    );
    expect(inOrder(numbers)).toEqual(patches(7, 50));
  });

  test("that require a plan get consecutive numbers, fewer of them for the reads they take", async () => {
    const hosts = [otherHost(), otherHost()];
    const numbers = await Promise.all(
      patches(0, 12).map((_, i) =>
        nextNumber({ plan: "require", body: withReplicas((i % 3) + 1) }, hosts[i % 2]),
      ),
    );
    expect(inOrder(numbers)).toEqual(patches(0, 12));
  });

  test("beside others that are refused leave no number out", async () => {
    const badLocation = { ...managedImageRequest(), location: "uksouth" };
    const outcomes = await Promise.all(
      patches(0, 20).map((_, i) =>
        i % 2 === 0 ? nextNumber() : refusal(next({ body: badLocation })).then(({ code }) => code),
      ),
    );
    expect(outcomes.filter((code) => code === "InvalidRequest")).toHaveLength(10);
    expect(inOrder(outcomes.filter((code) => code !== "InvalidRequest"))).toEqual(patches(0, 10));
  });

  test("as numbers are taken by name meanwhile, all get different ones", async () => {
    const named = patches(5, 5).map((number) =>
      request(world.deps, versionId(number), withReplicas(2)),
    );
    const [numbers, operations] = await Promise.all([
      Promise.all(patches(0, 20).map(() => nextNumber())),
      Promise.allSettled(named),
    ]);
    const taken = operations.flatMap((outcome) =>
      outcome.status === "fulfilled" ? [numberOf(outcome.value)] : [],
    );
    expect(new Set([...numbers, ...taken]).size).toBe(20 + taken.length);
  });
});

describe("a request that is refused takes no number", () => {
  afterEach(async () => {
    expect(await nextNumber()).toBe("1.0.0");
  });

  test("when a rule over the request is broken", async () => {
    expect(
      await refusal(next({ body: { ...managedImageRequest(), location: "uksouth" } })),
    ).toMatchObject({
      code: "InvalidRequest",
      message: naming(["1"]),
      findings: [{ pointer: "/properties/publishingProfile/targetRegions" }],
    });
  });

  test("when its plan finds an error", async () => {
    const { code, message, findings } = await refusal(
      next({ body: withoutSource(), plan: "require" }),
    );
    expect([code, message]).toEqual(["PreflightFailed", naming(["1"])]);
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: "SourceNotFound",
        pointer: "/properties/storageProfile/source/id",
      }),
    );
  });

  test("when its key belongs to another request", async () => {
    const elsewhere = seedResource("galleries/MyGallery/images/MyImage");
    const idempotencyKey = `${image}-by-name`;
    await request(world.deps, `${elsewhere}/versions/9.0.0`, managedImageRequest(), {
      idempotencyKey,
    });
    expect(await refusal(next({ idempotencyKey }))).toMatchObject({
      code: "IdempotencyKeyReused",
      message: expect.any(String) as string,
    });
  });

  test("when Azure does not say which versions there are", async () => {
    world.simulator.control.addFault({
      method: "GET",
      path: `${image}/versions`,
      status: 429,
      headers: { "Retry-After": "17" },
    });
    expect(await refusal(next())).toMatchObject({
      code: "ResourceManagerThrottled",
      retryAfterMs: 17_000,
    });
  });
});

describe("an image definition that is not there", () => {
  beforeEach(() => {
    image = seedResource("galleries/MyGallery/images/NoImage");
  });

  test("is told, and nothing is accepted", async () => {
    expect(await refusal(next())).toMatchObject({
      code: "NotFound",
      message: naming([image, "az sig image-definition create"]),
    });
  });

  test("is among the findings of a plan that is required", async () => {
    const { code, findings } = await refusal(next({ plan: "require" }));
    expect(code).toBe("PreflightFailed");
    expect(findings).toContainEqual(expect.objectContaining({ code: "ImageDefinitionNotFound" }));
  });
});

describe("an Idempotency-Key", () => {
  let idempotencyKey: string;
  beforeEach(() => {
    idempotencyKey = image;
  });

  test("sent again, also from several hosts at once, leads to one operation and one number", async () => {
    const hosts = [world.deps, otherHost(), otherHost()];
    const operations = await Promise.all(
      patches(0, 12).map((_, i) => next({ idempotencyKey }, hosts[i % 3])),
    );
    expect(new Set(operations.map(({ id }) => id)).size).toBe(1);
    expect(await nextNumber({ idempotencyKey })).toBe("1.0.0");
    expect(await nextNumber()).toBe("1.0.1");
  });

  test("leads to its operation, whatever became of the version since", async () => {
    const first = await next({ idempotencyKey });
    await world.finish(first.resourceId);
    await request(world.deps, first.resourceId, withReplicas(3));
    await world.finish(first.resourceId);
    expect(await next({ idempotencyKey })).toMatchObject({
      id: first.id,
      status: "Succeeded",
    });
    const failed = await next({
      idempotencyKey: `${idempotencyKey}-failed`,
      body: withoutSource(),
    });
    await world.finish(failed.resourceId);
    expect(
      await next({
        idempotencyKey: `${idempotencyKey}-failed`,
        body: withoutSource(),
      }),
    ).toMatchObject({ id: failed.id, status: "Failed" });
  });

  test.each<[string, Partial<CreateNextImageVersion>]>([
    ["another body", { body: withReplicas(3) }],
    ["another increment", { increment: "minor" }],
  ])("with %s is refused", async (_, other) => {
    await next({ idempotencyKey });
    expect(await refusal(next({ idempotencyKey, ...other }))).toMatchObject({
      code: "IdempotencyKeyReused",
    });
    expect(await nextNumber()).toBe("1.0.1");
  });

  test("is not good for a PUT afterwards", async () => {
    const { resourceId } = await next({ idempotencyKey });
    expect(
      await refusal(
        request(world.deps, resourceId, managedImageRequest(), {
          idempotencyKey,
        }),
      ),
    ).toMatchObject({ code: "IdempotencyKeyReused" });
  });

  test("of another caller is another request", async () => {
    await next({ idempotencyKey });
    expect(await nextNumber({ idempotencyKey, requestedBy: { appId: "another" } })).toBe("1.0.1");
  });
});

describe("a number that turns out to be taken", () => {
  /** As if somebody asked for the numbers by name right after they were given. */
  function takenAfterwards(numbers: readonly string[]): Dependencies {
    const { versionNumbers } = world.deps;
    return {
      ...world.deps,
      versionNumbers: {
        ...versionNumbers,
        async allocate(imageId, wanted) {
          const number = await versionNumbers.allocate(imageId, wanted);
          if (numbers.includes(number))
            await request(world.deps, versionId(number), withReplicas(3));
          return number;
        },
      },
    };
  }

  test.each([undefined, "key"])("is skipped, with Idempotency-Key %s", async (key) => {
    const more = key === undefined ? {} : { idempotencyKey: `${image}-${key}` };
    const deps = takenAfterwards(["1.0.0", "1.0.1"]);
    expect(await nextNumber(more, deps)).toBe("1.0.2");
    if (key !== undefined) expect(await nextNumber(more)).toBe("1.0.2");
    expect(await nextNumber()).toBe("1.0.3");
  });

  test("between the look at it and the acceptance is not updated but skipped", async () => {
    const { store } = world.deps;
    const taken = versionId("1.0.0");
    let looks = 0;
    const deps: Dependencies = {
      ...world.deps,
      store: {
        ...store,
        async read(key) {
          if (key !== keyOf(taken) || looks > 0) return await store.read(key);
          looks += 1;
          await request(world.deps, taken, managedImageRequest());
          await world.finish(taken);
          return undefined;
        },
      },
    };
    expect(await nextNumber({ body: withReplicas(3) }, deps)).toBe("1.0.1");
    const { record, operation } = await world.read(taken);
    expect(operation).toMatchObject({
      id: nthOf(record, 1),
      status: "Succeeded",
    });
  });

  test("is skipped a few times only", async () => {
    const deps = takenAfterwards(patches(0, 30));
    expect(await refusal(next({}, deps))).toMatchObject({
      code: "StateConflict",
      message: expect.stringMatching(/./u) as unknown,
      retryAfterMs: 1_000,
    });
  });

  test("is planned for a few times only", async () => {
    await publish("1.0.0");
    const { resourceManager } = world.deps;
    const deps: Dependencies = {
      ...world.deps,
      resourceManager: {
        ...resourceManager,
        getImageVersion: () => resourceManager.getImageVersion(idOf(versionId("1.0.0"))),
      },
    };
    const asked = { plan: "require", body: withReplicas(3) } as const;
    expect(await refusal(next(asked, deps))).toMatchObject({
      code: "StateConflict",
    });
  });

  test("in Azure, though the list does not show it yet, is planned for again", async () => {
    await publish("1.0.0");
    const deps: Dependencies = {
      ...world.deps,
      resourceManager: {
        ...world.deps.resourceManager,
        listImageVersions: () => Promise.resolve([]),
      },
    };
    expect(await nextNumber({ plan: "require", body: withReplicas(3) }, deps)).toBe("1.0.1");
  });
});

describe("a process that dies", () => {
  const send = async (
    failure: Failure | undefined,
    idempotencyKey: string,
  ): Promise<{ calls: readonly string[]; number: string }> => {
    const process = failingDependencies(world.deps, keyOf(image), failure);
    for (let tries = 0; tries < 3; tries += 1) {
      try {
        const number = await nextNumber({ idempotencyKey }, process.deps);
        return { calls: [...process.calls], number };
      } catch {
        process.restart();
      }
    }
    throw new Error("never accepted");
  };

  test("at any call leaves the number of its key for the repetition, and no number unused", async () => {
    const { calls, number } = await send(undefined, `${image}-0`);
    expect(number).toBe("1.0.0");
    expect(calls).toContain("versionNumbers.allocate");
    let runs = 0;
    for (const [i, call] of calls.entries())
      for (const kind of ["killed", "unavailable"] as const)
        for (const when of hasEffect(call)
          ? (["before", "after"] as const)
          : (["before"] as const)) {
          runs += 1;
          const failure = { at: i + 1, kind, when };
          const again = await send(failure, `${image}-${runs}`);
          expect(again.number, `${call} ${JSON.stringify(failure)}`).toBe(`1.0.${runs}`);
        }
    expect(runs).toBeGreaterThan(30);
  });

  test("without a key leaves at most its number unused, and nobody else gets it", async () => {
    const { deps } = failingDependencies(world.deps, keyOf(image), undefined);
    const allocate = async (): Promise<string> => {
      await world.deps.versionNumbers.allocate(image, {
        requestKey: "dead",
        above: undefined,
        increment: "patch",
      });
      throw new Error("killed");
    };
    await expect(
      next({}, { ...deps, versionNumbers: { ...deps.versionNumbers, allocate } }),
    ).rejects.toThrow("killed");
    expect(await nextNumber()).toBe("1.0.1");
  });
});

describe("the list of versions in Azure", () => {
  test("that Sigil may not read names the permission", async () => {
    const { control } = world.simulator;
    const action = "Microsoft.Compute/galleries/images/versions/read";
    await control.denyAction({ action, scope: image });
    try {
      expect(await refusal(next())).toMatchObject({
        code: "ResourceManagerForbidden",
        fields: { action },
      });
    } finally {
      await control.allowAction({ action, scope: image });
    }
  });
});

import { beforeEach, describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type { UsedResource } from "../../../src/image-version/properties/resource-references.js";
import { patchImageVersion } from "../../../src/image-version/commands/put.js";
import { createNextImageVersion } from "../../../src/image-version/commands/create-next.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { operationIdOf } from "../../../src/operation/records.js";
import { keyOf } from "../../../src/resource-id.js";
import { commandOf, idOf, request, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import {
  largeWorld,
  managedImageRequest,
  seedRegion,
  seedResource,
  seedVersionId,
} from "../../support/requests.js";
import { naming } from "../../support/naming.js";
import { nthOf } from "../../support/operation-ids.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});

/** The same content in other words. */
function respelled(): ImageVersionRequest {
  const body = managedImageRequest();
  const regions = body.properties.publishingProfile?.targetRegions ?? [];
  return {
    ...body,
    location: "West US",
    properties: {
      ...body.properties,
      publishingProfile: {
        targetRegions: [...regions]
          .reverse()
          .map((region) => ({ ...region, name: region.name.toUpperCase() })),
      },
    },
  };
}

function withReplicas(regionalReplicaCount: number): ImageVersionRequest {
  const body = managedImageRequest();
  return {
    ...body,
    properties: {
      ...body.properties,
      publishingProfile: {
        targetRegions: [
          seedRegion("eastus2", "EastUS2"),
          seedRegion("westus", "WestUS", {
            regionalReplicaCount,
            storageAccountType: "Standard_LRS",
          }),
        ],
      },
    },
  };
}

/** A request that fails before creation: its image does not exist. */
function withoutSource(): ImageVersionRequest {
  const body = managedImageRequest();
  return {
    ...body,
    properties: {
      ...body.properties,
      storageProfile: {
        source: {
          id: (body.properties.storageProfile.source?.id ?? "").replace("myImage", "noImage"),
        },
      },
    },
  };
}

describe("one request for a version", () => {
  test("is stored and its message is on its way when it is answered; whoever takes that tells its event", async () => {
    await world.takeEvents();
    const operation = await request(world.deps, id, managedImageRequest());
    expect(operation).toMatchObject({
      status: "NotStarted",
      resourceId: id,
      requestedBy: { appId: "build-system", objectId: "object" },
      history: [{ state: "Accepted" }],
    });
    const { record: version } = await world.read(id);
    expect(version).toMatchObject({ state: "Accepted", step: 1 });
    const due = await world.takeDue();
    expect(due).toEqual([
      {
        queue: "image-version-creations",
        messageId: `${operation.id}:1`,
        operationId: operation.id,
        step: 1,
      },
    ]);
    expect(await world.takeEvents()).toEqual([]);
    for (const message of due) await world.handle(message);
    expect((await world.takeEvents()).slice(0, 1)).toMatchObject([
      {
        id: `${operation.id}/accepted`,
        type: "Sigil.ImageVersion.Accepted",
        subject: id,
        data: { targetRegions: ["westus", "eastus2"] },
      },
    ]);
  });

  test("stores nothing when a rule over the request is broken", async () => {
    const error = await refusal(
      request(world.deps, id, {
        ...managedImageRequest(),
        location: "uksouth",
      }),
    );
    expect(error).toMatchObject({
      code: "InvalidRequest",
      message: naming(["1"]),
      findings: [{ code: "LocationNotInTargetRegions" }],
    });
    expect(await world.deps.store.read(keyOf(id))).toBeUndefined();
    expect(await world.takeDue()).toEqual([]);
  });
});

describe("the same request again", () => {
  test("is the same operation while it runs, however it is spelled", async () => {
    const first = await request(world.deps, id, managedImageRequest());
    const again = await request(world.deps, id.toUpperCase(), respelled());
    expect(again.id).toBe(first.id);
    expect(await world.takeDue()).toHaveLength(1);
  });

  test("is the same operation after it has succeeded, with no second create", async () => {
    const first = await request(world.deps, id, managedImageRequest());
    await world.finish(id);
    const again = await request(world.deps, id, respelled());
    expect(again).toMatchObject({ id: first.id, status: "Succeeded" });
    expect(await world.takeDue()).toEqual([]);
    expect(world.simulator.control.creates(id)).toBe(1);
  });

  test("is one operation and one message when twenty arrive at once", async () => {
    await world.takeEvents();
    const operations = await Promise.all(
      Array.from({ length: 20 }, () => request(world.deps, id, managedImageRequest())),
    );
    expect(new Set(operations.map((operation) => operation.id)).size).toBe(1);
    const due = await world.takeDue();
    expect(due).toHaveLength(1);
    for (const message of due) await world.handle(message);
    expect(
      (await world.takeEvents()).filter(
        ({ subject, type }) => subject === id && type === "Sigil.ImageVersion.Accepted",
      ),
    ).toHaveLength(1);
    const { record } = await world.read(id);
    expect(operationIdOf(record)).toBe(nthOf(record, 1));
  });

  test("is a new operation after a failure, and can then succeed", async () => {
    const first = await request(world.deps, id, withoutSource());
    expect(await world.finish(id)).toMatchObject({
      id: first.id,
      status: "Failed",
      error: { code: "PreflightFailed", errors: [{ code: "SourceNotFound" }] },
    });
    const second = await request(world.deps, id, withoutSource());
    expect(second.id).toBe(nthOf((await world.read(id)).record, 2));
    await world.finish(id);
    await request(world.deps, id, managedImageRequest());
    expect(await world.finish(id)).toMatchObject({
      id: nthOf((await world.read(id)).record, 3),
      status: "Succeeded",
    });
    expect((await world.deps.store.readOperation(first.id))?.operation).toMatchObject({
      status: "Failed",
    });
    expect(world.simulator.control.creates(id)).toBe(1);
  });
});

describe("a different request", () => {
  test("that contradicts the first is refused while that runs, with the differences and the next free version", async () => {
    const first = await request(world.deps, id, managedImageRequest());
    await request(world.deps, seedVersionId("900.0.7"), managedImageRequest());
    expect(await refusal(request(world.deps, id, withReplicas(1)))).toMatchObject({
      code: "ImageVersionConflict",
      message: naming([first.id, id]),
      findings: [
        {
          code: "Differs",
          // The second region of this request; the first of the existing one.
          pointer: "/properties/publishingProfile/targetRegions/1/regionalReplicaCount",
          message: expect.stringMatching(
            /regionalReplicaCount of westus: the other request says 2, this one says 1\.$/u,
          ) as string,
        },
      ],
      fields: { existingOperationId: first.id, nextFreeVersion: "900.0.8" },
    });
    await world.takeDue();
  });

  test("leaves one winner when twenty that contradict each other arrive at once", async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        request(world.deps, id, {
          ...managedImageRequest(),
          tags: { build: String(i) },
        }),
      ),
    );
    const refused = answers.flatMap((answer) =>
      answer.status === "rejected" ? [answer.reason as ServiceError] : [],
    );
    expect(answers.length - refused.length).toBe(1);
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["ImageVersionConflict"]));
    expect(await world.takeDue()).toHaveLength(1);
  });
});

describe("an Idempotency-Key", () => {
  const key = "a-key";

  test("with the same request answers the first operation while it runs and after it succeeded", async () => {
    const send = () => request(world.deps, id, managedImageRequest(), { idempotencyKey: key });
    const first = await send();
    expect((await send()).id).toBe(first.id);
    await world.finish(id);
    expect(await send()).toMatchObject({ id: first.id, status: "Succeeded" });
  });

  test("with the same request answers the first operation though it failed, and makes no new one", async () => {
    const send = () => request(world.deps, id, withoutSource(), { idempotencyKey: key });
    const first = await send();
    await world.finish(id);
    expect(await send()).toMatchObject({ id: first.id, status: "Failed" });
    const { record } = await world.read(id);
    expect(operationIdOf(record)).toBe(nthOf(record, 1));
  });

  test("with another request is refused, for the same version and for another", async () => {
    await request(world.deps, id, managedImageRequest(), {
      idempotencyKey: key,
    });
    for (const [other, body] of [
      [id, withReplicas(3)],
      [seedVersionId("800.0.0"), managedImageRequest()],
    ] as const) {
      expect(
        await refusal(request(world.deps, other, body, { idempotencyKey: key })),
      ).toMatchObject({
        code: "IdempotencyKeyReused",
        message: expect.any(String) as string,
      });
    }
    expect(await world.deps.store.read(keyOf(seedVersionId("800.0.0")))).toBeUndefined();
    await world.takeDue();
  });

  test("belongs to its caller: another may use the same for another request", async () => {
    await request(world.deps, id, managedImageRequest(), {
      idempotencyKey: key,
    });
    const other = seedVersionId("801.0.0");
    const operation = await request(world.deps, other, managedImageRequest(), {
      idempotencyKey: key,
      requestedBy: { appId: "another" },
    });
    expect(operation.resourceId).toBe(other);
    await world.takeDue();
  });

  test("claimed by a request that was never stored is good for the same request", async () => {
    const lost = {
      ...world.deps,
      store: {
        ...world.deps.store,
        commit: () => Promise.reject(new Error("killed")),
      },
    };
    const send = (deps: typeof world.deps) =>
      request(deps, id, managedImageRequest(), { idempotencyKey: key });
    await expect(send(lost)).rejects.toThrow("killed");
    const { id: operationId } = await send(world.deps);
    expect(operationId).toBe(nthOf((await world.read(id)).record, 1));
    await world.takeDue();
  });
});

describe("a request that names more than may be read", () => {
  const large = largeWorld(3, 1);
  const largeId = large.versionId("1.0.0");
  // Six sets, a source, four places and a registration.
  const deps = () => ({ ...world.deps, maxReads: 11 });

  test.each([
    {
      by: "PUT",
      ask: () => request(deps(), largeId, large.request),
    },
    {
      by: "plan",
      ask: () => planImageVersion(deps(), { id: idOf(largeId), body: large.request }),
    },
    {
      by: "PUT under the next number",
      ask: () => {
        const { id, ...rest } = commandOf(largeId, large.request);
        return createNextImageVersion(deps(), {
          ...rest,
          image: id,
          increment: "patch",
        });
      },
    },
  ])("is refused by $by before anything is read or stored", async ({ ask }) => {
    world.simulator.control.clearRequests();
    expect(await refusal(ask())).toMatchObject({
      code: "TooManyReads",
      retryable: false,
      fields: { reads: 12, allowedReads: 11, setting: "SIGIL_MAX_READS" },
    });
    expect(world.simulator.control.requests()).toEqual([]);
    expect(await world.deps.store.read(keyOf(largeId))).toBeUndefined();
  });
});

test("a plan names regions as the body does, but in the request to Azure", async () => {
  const { findings, changes, request } = await planImageVersion(world.deps, {
    id: idOf(id),
    body: {
      location: "West US",
      properties: {
        storageProfile: managedImageRequest().properties.storageProfile,
        publishingProfile: {
          targetRegions: [{ name: "West US" }, { name: "East US 2" }],
        },
      },
    },
  });
  const of = (wanted: string): unknown =>
    findings.find(({ code, pointer }) => code === wanted && pointer.endsWith("/targetRegions/1"));
  expect(of("StorageChosenByAzure")).toMatchObject({
    message: naming(["East US 2"]),
    remediation: naming(["storageAccountType", "eastus2"]),
  });
  const after = changes.map((change) => change.after);
  expect(after).toContain("West US");
  expect(after).toContainEqual({ name: "East US 2" });
  expect(request?.body).toMatchObject({
    location: "westus",
    properties: {
      publishingProfile: {
        targetRegions: [{ name: "westus" }, { name: "eastus2" }],
      },
    },
  });
});

test("what a required plan says for information is said on success, too", async () => {
  const { properties } = managedImageRequest();
  const [region = { name: "westus" }] = properties.publishingProfile?.targetRegions ?? [];
  const { storageAccountType: _, ...unsaid } = region;
  const accepted = await request(
    world.deps,
    id,
    {
      location: "westus",
      properties: {
        ...properties,
        publishingProfile: { targetRegions: [unsaid] },
      },
    },
    { plan: "require" },
  );
  expect(accepted).toMatchObject({
    warnings: [{ code: "StorageChosenByAzure", severity: "info" }],
  });
});

describe("what a caller may not use", () => {
  const forbidden = new ServiceError("Forbidden", "No.");
  let asked: string[];
  const requireMayUse = (resources: readonly UsedResource[]): void => {
    asked.push(...resources.map(({ pointer }) => pointer));
    if (resources.length > 0) throw forbidden;
  };
  beforeEach(() => {
    asked = [];
  });

  test.each([
    {
      by: "PUT",
      ask: () => request(world.deps, id, managedImageRequest(), { requireMayUse }),
    },
    {
      by: "PUT that asks for a plan",
      ask: () =>
        request(world.deps, id, managedImageRequest(), {
          requireMayUse,
          plan: "require",
          idempotencyKey: "k",
        }),
    },
    {
      by: "plan",
      ask: () =>
        planImageVersion(world.deps, {
          id: idOf(id),
          body: managedImageRequest(),
          requireMayUse,
        }),
    },
    {
      by: "PUT under the next number",
      ask: () => {
        const { id: image, ...rest } = commandOf(id, managedImageRequest());
        return createNextImageVersion(world.deps, {
          ...rest,
          image,
          increment: "patch",
          requireMayUse,
        });
      },
    },
  ])("is refused by $by before anything is read or stored", async ({ ask }) => {
    world.simulator.control.clearRequests();
    await expect(ask()).rejects.toBe(forbidden);
    // Five resources: a set for each of two disks in two regions, and the source.
    expect(asked).toHaveLength(5);
    expect(world.simulator.control.requests()).toEqual([]);
    expect(await world.deps.store.read(keyOf(id))).toBeUndefined();
  });

  test("sets that are named without an id are those of the gallery's subscription", async () => {
    const body = managedImageRequest();
    const used: string[] = [];
    await planImageVersion(world.deps, {
      id: idOf(id),
      body: {
        ...body,
        properties: {
          ...body.properties,
          publishingProfile: {
            targetRegions: [
              {
                name: "westus",
                encryption: {
                  osDiskImage: { diskEncryptionSetId: "otherGroup/mySet" },
                },
              },
            ],
          },
        },
      },
      requireMayUse: (resources) => used.push(...resources.map((r) => r.id)),
    });
    expect(used[0]).toBe(
      seedResource("diskEncryptionSets/mySet").replace("MyResourceGroup", "otherGroup"),
    );
  });

  test("is not asked by PATCH of what the version has already", async () => {
    await request(world.deps, id, managedImageRequest());
    await world.finish(id);
    const patch = (changes: unknown) =>
      patchImageVersion(world.deps, {
        ...commandOf(id, managedImageRequest()),
        patch: changes,
        validate: () => [],
        requireMayUse,
      });
    await patch({ tags: { build: "4711" } });
    expect(asked).toEqual([]);

    const [first] = managedImageRequest().properties.publishingProfile?.targetRegions ?? [];
    const change = patch({
      properties: {
        publishingProfile: {
          targetRegions: [
            {
              ...first,
              encryption: {
                ...first?.encryption,
                osDiskImage: {
                  diskEncryptionSetId: seedResource("diskEncryptionSets/theirs"),
                },
              },
            },
          ],
        },
      },
    });
    await expect(change).rejects.toBe(forbidden);
    expect(asked).toEqual([
      "/properties/publishingProfile/targetRegions/0/encryption/osDiskImage/diskEncryptionSetId",
    ]);
  });
});

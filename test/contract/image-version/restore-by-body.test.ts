/** A deleted version is restored by the bodies that Azure's own clients send. */
import { beforeEach, describe, expect, test } from "vitest";
import { createNextImageVersion } from "../../../src/image-version/commands/create-next.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { restoreImageVersion } from "../../../src/image-version/commands/restore.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { PATCH_EXAMPLES } from "../../support/examples.js";
import { naming } from "../../support/naming.js";
import { inOwnWorld } from "../../support/own-world.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest } from "../../support/requests.js";
import { enableSoftDelete } from "../../support/soft-delete.js";
import { BY, byHand, ended, made, operationIn, patch, put, shownIn } from "./truth/support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});
beforeEach(() => enableSoftDelete(world));

/** Whatever the types say: what comes over the wire. */
const body = (properties: object, more: object = {}): ImageVersionRequest =>
  ({ location: "westus", properties, ...more }) as ImageVersionRequest;
const BODY = body({ restore: true });

/** Made and deleted by Sigil; gives what Azure showed of it. */
async function deleted() {
  await made(world, id, managedImageRequest());
  const before = await shownIn(world, id);
  await ended(world, [await byHand.remove(world, id)]);
  world.simulator.control.clearRequests();
  return before;
}

test.each([
  ["PUT", () => put(world, id, BODY)],
  [
    "PUT as az and the SDKs send it",
    () =>
      put(
        world,
        id,
        body(
          {
            restore: true,
            storageProfile: {},
            safetyProfile: { allowDeletionOfReplicatedLocations: false },
          },
          { location: "West US", tags: {} },
        ),
      ),
  ],
  ["PATCH", () => patch(world, id, { properties: { restore: true } })],
  [
    "PATCH as Microsoft's example has it",
    () => patch(world, id, PATCH_EXAMPLES["Update_RestoreSoftDeleted"]),
  ],
])("%s is the restore command: the same operation", async (_title, ask) => {
  const before = await deleted();
  const operation = operationIn(await ask());
  expect(operation).toMatchObject({ kind: "RestoreImageVersion" });
  expect((await restoreImageVersion(world.deps, { id: idOf(id), ...BY })).id).toBe(operation.id);
  expect(await ended(world, [operation])).toMatchObject([{ status: "Succeeded" }]);
  expect(await shownIn(world, id)).toEqual(before);
});

describe("whatever else it says is refused, each at its place, before Azure is asked", () => {
  const full = managedImageRequest().properties;

  test.each([
    [
      "members of a PUT",
      () =>
        put(
          world,
          id,
          body({ ...full, restore: true }, { tags: { build: "2" }, sigil: { protected: true } }),
        ),
      ["/tags", "/sigil", "/properties/publishingProfile", "/properties/storageProfile"],
    ],
    [
      "members of a PATCH",
      () =>
        patch(world, id, {
          tags: { build: "2" },
          properties: {
            restore: true,
            safetyProfile: { allowDeletionOfReplicatedLocations: true },
          },
        }),
      ["/tags", "/properties/safetyProfile"],
    ],
    [
      "an ETag and regions to remove",
      () => put(world, id, BODY, { ifMatch: '"1"', removeRegions: ["eastus2"] }),
      ["/headers/If-Match", "/query/removeRegions"],
    ],
  ])("%s", async (_title, ask, pointers) => {
    await deleted();
    const { code, findings } = await refusal(ask());
    expect(code).toBe("InvalidRequest");
    expect(findings.map(({ pointer }) => pointer).toSorted()).toEqual(pointers.toSorted());
    for (const finding of findings)
      expect(finding).toMatchObject({
        code: "RestoreSaysMore",
        remediation: expect.any(String) as string,
      });
    expect(world.simulator.control.requests()).toEqual([]);
  });

  test("another region than its own", async () => {
    await deleted();
    expect(
      await refusal(put(world, id, body({ restore: true }, { location: "eastus2" }))),
    ).toMatchObject({
      code: "InvalidRequest",
      findings: [{ pointer: "/location", remediation: naming(["westus"]) }],
    });
  });
});

test("a plan and a new number refuse it, and say how to restore", async () => {
  const refused = {
    code: "InvalidRequest",
    findings: [
      {
        pointer: "/properties/restore",
        remediation: naming("POST …/restore"),
      },
    ],
  };
  expect(await refusal(planImageVersion(world.deps, { id: idOf(id), body: BODY }))).toMatchObject(
    refused,
  );
  expect(
    await refusal(
      createNextImageVersion(world.deps, {
        image: idOf(id),
        increment: "patch",
        body: BODY,
        ...BY,
      }),
    ),
  ).toMatchObject(refused);
});

test("a PUT without a source says how to restore", async () => {
  const { findings } = await refusal(put(world, id, body({ storageProfile: {} })));
  expect(findings).toContainEqual(
    expect.objectContaining({
      code: "MissingSource",
      remediation: naming("POST …/restore"),
    }),
  );
});

test("what is there is not restored", async () => {
  await made(world, id, managedImageRequest());
  for (const ask of [
    () => put(world, id, BODY),
    () => patch(world, id, { properties: { restore: true } }),
  ])
    expect(await refusal(ask())).toMatchObject({
      code: "ImageVersionConflict",
      message: naming(id),
    });
});

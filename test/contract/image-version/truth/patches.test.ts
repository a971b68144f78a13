/** What a patch changes, and what it leaves as it is. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  profileOf,
  FULL,
  ended,
  made,
  operationIn,
  outside,
  patch,
  plain,
  put,
  regionIn,
  regionNames,
  shownIn,
} from "./support.js";
import { naming } from "../../../support/naming.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000 }, (given, versionId) => {
  world = given;
  id = versionId;
});

describe("PATCH", () => {
  test("changes one thing, and nothing else", async () => {
    await made(world, id, FULL);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { theirs: "t" },
    });
    const answer = await patch(world, id, {
      tags: { team: null, more: "1" },
      properties: { publishingProfile: { endOfLifeDate: null } },
    });
    expect(await ended(world, [operationIn(answer)])).toMatchObject([{ status: "Succeeded" }]);
    const shown = await shownIn(world, id);
    expect(shown.tags).toEqual({ build: "1", theirs: "t", more: "1" });
    expect(profileOf(shown).endOfLifeDate).toBeUndefined();
    expect(regionIn(shown, "westus").regionalReplicaCount).toBe(2);
  });

  test("of a version that others made adopts it, and touches nothing that it does not name", async () => {
    await outside(world, "PUT", id, plain(undefined, { tags: { x: "1" } }));
    const answer = await patch(world, id, { tags: { y: "2" } });
    expect(await ended(world, [operationIn(answer)])).toMatchObject([{ status: "Succeeded" }]);
    expect((await shownIn(world, id)).tags).toEqual({ x: "1", y: "2" });
  });

  test("a list that leaves out a region keeps it, unless removeRegions names it", async () => {
    await made(world, id, plain());
    const targetRegions = [{ name: "westus", regionalReplicaCount: 3 }];
    const answer = await patch(world, id, {
      properties: { publishingProfile: { targetRegions } },
    });
    await ended(world, [operationIn(answer)]);
    expect(regionNames(await shownIn(world, id))).toEqual(["westus", "eastus2"]);
    const removing = await patch(
      world,
      id,
      { properties: { publishingProfile: { targetRegions } } },
      { removeRegions: ["eastus2"] },
    );
    await ended(world, [operationIn(removing)]);
    expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
  });

  test.each([
    ["/properties/publishingProfile/storageAccountType", "Premium_LRS"],
    ["/properties/storageProfile/source/id", undefined],
  ])("that takes away %s, which nobody can, is refused", async (field, value) => {
    const [, , profile = "", ...rest] = field.split("/");
    const version = plain();
    await made(world, id, {
      ...version,
      properties: {
        ...version.properties,
        ...(value !== undefined && {
          publishingProfile: {
            ...version.properties.publishingProfile,
            storageAccountType: value,
          },
        }),
      },
    });
    const removed = rest.reduceRight<unknown>((inner, member) => ({ [member]: inner }), null);
    const refused = await refusal(patch(world, id, { properties: { [profile]: removed } }));
    expect(refused.code).toBe("ImageVersionConflict");
    expect(refused.findings).toMatchObject([
      {
        code: "ImmutableProperty",
        message: expect.stringContaining(
          `${rest.at(-1) ?? ""} cannot be removed once the version exists`,
        ) as string,
      },
    ]);
  });

  test("of a version that is being created is refused with the operation that makes it", async () => {
    const { id: existingOperationId } = operationIn(await put(world, id, plain()));
    expect(await refusal(patch(world, id, { tags: { a: "1" } }))).toMatchObject({
      code: "ImageVersionConflict",
      message: naming([id, existingOperationId]),
      fields: { existingOperationId },
    });
  });

  test("of a version that Azure does not have is NotFound", async () => {
    expect(await refusal(patch(world, id, { tags: { a: "1" } }))).toMatchObject({
      code: "NotFound",
    });
  });
});

test("a patch names a tag in any case, as Azure does", async () => {
  await made(world, id, plain(undefined, { tags: { Owner: "x", Team: "a" } }));
  await ended(world, [
    operationIn(await patch(world, id, { tags: { owner: null, team: "b", New: "1" } })),
  ]);
  expect((await shownIn(world, id)).tags).toEqual({ Team: "b", New: "1" });
});

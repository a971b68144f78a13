/** A version that is protected is deleted by nobody, until an Admin has taken that off. */
import { describe, expect, test } from "vitest";
import { evaluateRetention } from "../../../../src/retention/evaluate-retention.js";
import { revocationOf, type InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import { refusal } from "../../../support/refusal.js";
import { managedImageRequest, seedResource } from "../../../support/requests.js";
import {
  byHand,
  cancel,
  ended,
  etagOf,
  inAzure,
  made,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  putThrough,
  seen,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const PROTECTED = { sigil: { protected: true } } as const;
const OFF = { sigil: { protected: false } } as const;
const ADMIN = { mayUnprotect: true };
const REFUSED = { code: "ImageVersionProtected" };
const FORBIDDEN = {
  code: "Forbidden",
  findings: [{ code: "ProtectionKept", pointer: "/sigil/protected" }],
};

const writes = () =>
  world.simulator.control.requests().filter(({ method }) => method !== "GET").length;
const patchThrough = async (merge: unknown, more: object = {}) => {
  const [end] = await ended(world, [operationIn(await patch(world, id, merge, more))]);
  expect(end?.status).toBe("Succeeded");
};

describe("made so by its creation", () => {
  test("from its acceptance on, also where Azure has it already and the creation goes on", async () => {
    const creation = operationIn(await put(world, id, plain(undefined, PROTECTED)));
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
    await pass(world, 10_000);
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
    await ended(world, [creation]);
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
    expect((await seen(world, id)).sigil.protected).toBe(true);
    expect(await inAzure(world, id)).toBeDefined();
  });
});

describe("set by PATCH", () => {
  test("writes nothing to Azure, and holds from its acceptance on", async () => {
    await made(world, id, plain());
    const before = await etagOf(world, id);
    const operation = operationIn(await patch(world, id, PROTECTED));
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
    await ended(world, [operation]);
    expect(writes()).toBe(0);
    expect((await seen(world, id)).sigil.protected).toBe(true);
    expect(await etagOf(world, id)).not.toBe(before);
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
    expect(operationIn(await patch(world, id, PROTECTED)).id).toBe(operation.id);
  });

  test("needs no set, nor anything else that Azure would be asked for", async () => {
    const set = seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1");
    await made(world, id, managedImageRequest());
    const present = world.simulator.control
      .resources()
      .find((one) => one.id.toLowerCase() === set.toLowerCase());
    expect(present).toBeDefined();
    await world.simulator.control.removeResource(set);
    try {
      await patchThrough(PROTECTED);
    } finally {
      if (present) await world.simulator.control.putResource(present);
    }
    expect((await seen(world, id)).sigil.protected).toBe(true);
  });

  test("stays where the operation that has set it is canceled", async () => {
    await made(world, id, plain([{ name: "westus" }]));
    const operation = operationIn(
      await patch(world, id, {
        ...PROTECTED,
        properties: {
          publishingProfile: {
            targetRegions: [{ name: "westus" }, { name: "eastus2" }],
          },
        },
      }),
    );
    await pass(world, 10_000);
    await cancel(world, operation);
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
    await ended(world, [operation]);
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
    expect((await seen(world, id)).sigil.protected).toBe(true);
  });

  test("of a version that others have made", async () => {
    await outside(world, "PUT", id, plain());
    await patchThrough(PROTECTED);
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
  });

  test("is refused while the version is being deleted", async () => {
    await made(world, id, plain());
    const deletion = await byHand.remove(world, id);
    expect(await refusal(patch(world, id, PROTECTED))).toMatchObject({
      code: "ImageVersionConflict",
    });
    await ended(world, [deletion]);
    expect(await inAzure(world, id)).toBeUndefined();
  });
});

describe("once it is there", () => {
  test.each([
    [
      "a PUT that leaves it out",
      () => putThrough(world, id, plain(undefined, { tags: { a: "1" } })),
    ],
    [
      "a PUT with the ETag of GET",
      async () =>
        putThrough(world, id, plain(undefined, { tags: { a: "1" } }), {
          ifMatch: await etagOf(world, id),
        }),
    ],
    ["a PATCH of something else", () => patchThrough({ tags: { a: "1" } })],
    [
      "a PATCH that takes the rule away",
      () => patchThrough({ tags: { a: "1" }, sigil: { promotion: null } }),
    ],
    [
      "a promotion",
      async () => ended(world, [await byHand.demote(world, id), await byHand.promote(world, id)]),
    ],
  ] as const)("%s keeps it", async (_, act) => {
    await made(world, id, plain(undefined, PROTECTED));
    await act();
    expect((await seen(world, id)).sigil.protected).toBe(true);
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
  });

  test("who is no Admin does not take it off, in whatever way", async () => {
    await made(world, id, plain(undefined, PROTECTED));
    for (const attempt of [
      () => patch(world, id, OFF),
      () => patch(world, id, { sigil: { protected: null } }),
      () => patch(world, id, { tags: { a: "1" }, sigil: { protected: false } }),
      () => put(world, id, plain(undefined, OFF)),
      async () =>
        put(world, id, plain(undefined, OFF), {
          ifMatch: await etagOf(world, id),
        }),
      () => put(world, id, plain(undefined, OFF), { ifMatch: "*" }),
    ])
      expect(await refusal(attempt())).toMatchObject(FORBIDDEN);
    expect((await shownIn(world, id)).tags ?? {}).toEqual({});
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
  });

  test("an Admin alone removes a region of it, by PUT or PATCH", async () => {
    await made(world, id, plain([{ name: "westus" }, { name: "eastus2" }], PROTECTED));
    const less = [{ name: "westus" }];
    const removing = { removeRegions: ["East US 2"] };
    for (const attempt of [
      () => put(world, id, plain(less), removing),
      () => patch(world, id, {}, removing),
      () => patch(world, id, OFF, removing),
    ])
      expect(await refusal(attempt())).toMatchObject({
        code: "Forbidden",
        message: expect.stringContaining("only an Admin") as string,
      });
    expect(await refusal(patch(world, id, {}, removing))).toMatchObject({
      findings: [{ code: "ProtectionKept", pointer: "/query/removeRegions" }],
    });
    await patchThrough({}, { ...removing, ...ADMIN });
    const { targetRegions } = (await shownIn(world, id)).properties.publishingProfile;
    expect(targetRegions).toMatchObject([{ name: "West US" }]);
    expect((await seen(world, id)).sigil.protected).toBe(true);
  });

  test.each([
    ["PATCH false", () => patchThrough(OFF, ADMIN)],
    ["PATCH null", () => patchThrough({ sigil: { protected: null } }, ADMIN)],
    ["PUT false", () => putThrough(world, id, plain(undefined, OFF), ADMIN)],
  ] as const)("an Admin takes it off by %s, and it is deleted", async (_, act) => {
    await made(world, id, plain(undefined, PROTECTED));
    await act();
    expect(writes()).toBe(0);
    expect((await seen(world, id)).sigil.protected).toBeUndefined();
    await ended(world, [await byHand.remove(world, id)]);
    expect(await inAzure(world, id)).toBeUndefined();
  });

  test("until that is done it holds", async () => {
    await made(world, id, plain(undefined, PROTECTED));
    const off = operationIn(await patch(world, id, OFF, ADMIN));
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
    await ended(world, [off]);
    await ended(world, [await byHand.remove(world, id)]);
  });

  test("retention keeps it", async () => {
    await made(
      world,
      id,
      plain(undefined, {
        ...PROTECTED,
        publishing: {
          endOfLifeDate: "2026-01-01T00:00:00Z",
          excludeFromLatest: true,
        },
      }),
    );
    const { decisions } = await evaluateRetention(
      revocationOf(world.deps),
      id.replace(/\/versions\/[^/]*$/u, ""),
      { deleteAfterEndOfLifeDays: 0 },
    );
    expect(decisions.filter(({ version }) => version.id === id)).toMatchObject([
      { deletes: false, code: "Protected" },
    ]);
  });

  test("others may delete it in Azure; what they make under its number is not protected", async () => {
    await made(world, id, plain(undefined, PROTECTED));
    world.clock.advance(600_000);
    await outside(world, "DELETE", id);
    await outside(world, "PUT", id, plain());
    expect((await seen(world, id)).sigil.protected).toBeUndefined();
    await ended(world, [await byHand.remove(world, id)]);
    expect(await inAzure(world, id)).toBeUndefined();
  });
});

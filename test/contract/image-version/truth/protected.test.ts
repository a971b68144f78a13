/** A version that is protected is deleted by nobody, until an Admin has taken that off. */
import { describe, expect, test } from "vitest";
import { evaluateRetention } from "../../../../src/retention/evaluate-retention.js";
import { restoreImageVersion } from "../../../../src/image-version/commands/restore.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  managedImageRequest,
  seedResource,
} from "../../../support/requests.js";
import {
  disableSoftDelete,
  enableSoftDelete,
} from "../../../support/soft-delete.js";
import { look } from "../drift/support.js";
import {
  BY,
  byHand,
  cancel,
  ended,
  etagOf,
  faultOn,
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
  showAs,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
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
  world.simulator.control.requests().filter(({ method }) => method !== "GET")
    .length;
const patchThrough = async (merge: unknown, more: object = {}) => {
  const [end] = await ended(world, [
    operationIn(await patch(world, id, merge, more)),
  ]);
  expect(end?.status).toBe("Succeeded");
};

describe("made so by its creation", () => {
  test("from its acceptance on, also where Azure has it already and the creation goes on", async () => {
    const creation = operationIn(
      await put(world, id, plain(undefined, PROTECTED)),
    );
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
    await pass(world, 10_000);
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
    await ended(world, [creation]);
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
    expect((await seen(world, id)).sigil.protected).toBe(true);
    expect(await inAzure(world, id)).toBeDefined();
  });

  test("where its creation is canceled before anything was sent, it ends with it", async () => {
    const creation = operationIn(
      await put(world, id, plain(undefined, PROTECTED)),
    );
    await cancel(world, creation);
    await ended(world, [creation]);
    expect(await inAzure(world, id)).toBeUndefined();
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
    expect(operationIn(await patch(world, id, PROTECTED)).id).toBe(
      operation.id,
    );
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

  test("is off once an Admin has taken it off, where the operation that has set it is being canceled", async () => {
    await made(world, id, plain([{ name: "westus" }]));
    const setter = operationIn(
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
    await cancel(world, setter);
    const off = operationIn(await patch(world, id, OFF, ADMIN));
    expect(await ended(world, [setter, off])).toMatchObject([
      { status: "Canceled" },
      { status: "Succeeded" },
    ]);
    expect((await seen(world, id)).sigil.protected).not.toBe(true);
  });

  test("of a version that others have made", async () => {
    await outside(world, "PUT", id, plain());
    await patchThrough(PROTECTED);
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
  });

  describe.each([
    [
      "Azure is working on it",
      async () => {
        const shown = await shownIn(world, id);
        showAs(
          world,
          id,
          {
            ...shown,
            properties: { ...shown.properties, provisioningState: "Updating" },
          },
          { times: 50 },
        );
      },
    ],
    [
      "Azure refuses the update as busy",
      () => {
        faultOn(world, id, {
          method: "PUT",
          status: 409,
          body: { error: { code: "Conflict", message: "Busy." } },
          times: 50,
        });
        return Promise.resolve();
      },
    ],
    ["no step has been taken", undefined],
  ])("of a version that others have made, asked while %s", (_, busy) => {
    test("stays where the operation that has set it is canceled", async () => {
      await outside(world, "PUT", id, plain());
      await busy?.();
      const setter = operationIn(
        await patch(world, id, { ...PROTECTED, tags: { a: "1" } }),
      );
      if (busy !== undefined) await pass(world, 30_000);
      expect((await seen(world, id)).sigil.protected).toBe(true);
      await cancel(world, setter);
      expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
      world.simulator.control.clearFaults();
      await ended(world, [setter]);
      expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
      expect((await seen(world, id)).sigil.protected).toBe(true);
      await patchThrough(OFF, ADMIN);
      await ended(world, [await byHand.remove(world, id)]);
      expect(await inAzure(world, id)).toBeUndefined();
    });
  });

  test("of a version that others have made stays where Azure refuses what else was asked", async () => {
    await outside(world, "PUT", id, plain());
    faultOn(world, id, {
      method: "PUT",
      status: 403,
      body: { error: { code: "AuthorizationFailed", message: "No." } },
      times: 9,
    });
    const setter = operationIn(
      await patch(world, id, { ...PROTECTED, tags: { a: "1" } }),
    );
    expect(await ended(world, [setter])).toMatchObject([{ status: "Failed" }]);
    world.simulator.control.clearFaults();
    expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
  });

  test("a creation that finds a version of others, and is canceled, protects none of theirs", async () => {
    const creation = operationIn(
      await put(world, id, plain(undefined, PROTECTED)),
    );
    await outside(world, "PUT", id, plain(undefined, { tags: { a: "9" } }));
    await cancel(world, creation);
    await ended(world, [creation]);
    await ended(world, [await byHand.remove(world, id)]);
    expect(await inAzure(world, id)).toBeUndefined();
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
      async () =>
        ended(world, [
          await byHand.demote(world, id),
          await byHand.promote(world, id),
        ]),
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

  test.each([
    ["PATCH false", () => patchThrough(OFF, ADMIN)],
    ["PATCH null", () => patchThrough({ sigil: { protected: null } }, ADMIN)],
    ["PUT false", () => putThrough(world, id, plain(undefined, OFF), ADMIN)],
  ] as const)(
    "an Admin takes it off by %s, and it is deleted",
    async (_, act) => {
      await made(world, id, plain(undefined, PROTECTED));
      await act();
      expect(writes()).toBe(0);
      expect((await seen(world, id)).sigil.protected).toBeUndefined();
      await ended(world, [await byHand.remove(world, id)]);
      expect(await inAzure(world, id)).toBeUndefined();
    },
  );

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
      { policies: world.policies, imageVersions: world.deps },
      id.replace(/\/versions\/[^/]*$/u, ""),
      { deleteAfterEndOfLifeDays: 0 },
    );
    expect(decisions.filter(({ version }) => version.id === id)).toMatchObject([
      { deletes: false, code: "Protected" },
    ]);
  });

  test("others may delete it in Azure; what they make under its number is not protected", async () => {
    await made(world, id, plain(undefined, PROTECTED));
    await outside(world, "DELETE", id);
    await outside(world, "PUT", id, plain());
    expect((await seen(world, id)).sigil.protected).toBeUndefined();
    await ended(world, [await byHand.remove(world, id)]);
    expect(await inAzure(world, id)).toBeUndefined();
  });

  describe("others who delete and restore it do not take that off:", () => {
    const restored = async (isNoticed: boolean): Promise<void> => {
      await enableSoftDelete(world);
      await made(world, id, plain(undefined, PROTECTED));
      world.clock.advance(3_600_000);
      await outside(world, "DELETE", id);
      if (isNoticed) {
        await look(world);
        world.clock.advance(300_000);
        await look(world);
        expect((await world.read(id)).record.deletedOutside).toBe(true);
      }
      await outside(world, "PUT", id, {
        location: "westus",
        properties: { restore: true },
      });
      world.clock.advance(3_600_000);
    };

    test.each([
      ["noticed", true],
      ["between two looks", false],
    ])("%s", async (_, isNoticed) => {
      await restored(isNoticed);
      expect((await seen(world, id)).sigil.protected).toBe(true);
      expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
      await disableSoftDelete(world);
    });

    test("nor does who promotes it, or takes it over by a body that leaves it out, since", async () => {
      await restored(true);
      await ended(world, [await byHand.demote(world, id)]);
      expect(await seen(world, id)).toMatchObject({
        sigil: { managedBy: "Others", protected: true },
      });
      expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
      await ended(world, [
        operationIn(
          await put(world, id, plain(undefined, { tags: { a: "1" } }), {
            ifMatch: await etagOf(world, id),
          }),
        ),
      ]);
      expect(await seen(world, id)).toMatchObject({
        sigil: { managedBy: "Sigil", protected: true },
      });
      expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
      await disableSoftDelete(world);
    });

    test.each<[string, () => Promise<unknown>]>([
      ["nothing was done with it by Sigil", () => Promise.resolve()],
      [
        "it was demoted by Sigil",
        async () => ended(world, [await byHand.demote(world, id)]),
      ],
    ])(
      "nor do they by deleting it again, where %s in between: a restore gives it back as Sigil's, and protected",
      async (_, since) => {
        await restored(true);
        await since();
        world.clock.advance(3_600_000);
        await outside(world, "DELETE", id);
        world.clock.advance(3_600_000);
        await ended(world, [
          await restoreImageVersion(world.deps, { id: idOf(id), ...BY }),
        ]);
        expect(await seen(world, id)).toMatchObject({
          sigil: { managedBy: "Sigil", protected: true },
        });
        expect(await refusal(byHand.remove(world, id))).toMatchObject(REFUSED);
        await disableSoftDelete(world);
      },
    );

    test("an Admin does", async () => {
      await restored(true);
      expect(await refusal(patch(world, id, OFF))).toMatchObject({
        code: "Forbidden",
      });
      await ended(world, [operationIn(await patch(world, id, OFF, ADMIN))]);
      expect((await seen(world, id)).sigil.protected).toBeUndefined();
      await ended(world, [await byHand.remove(world, id)]);
      expect(await inAzure(world, id)).toBeUndefined();
      await disableSoftDelete(world);
    });
  });
});

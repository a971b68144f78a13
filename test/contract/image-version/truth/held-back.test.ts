/** A version with a promotion rule is read, edited and sent back at every time of its life. */
import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  byHand,
  ended,
  etagOf,
  isExcluded,
  operationIn,
  pass,
  patch,
  plain,
  put,
  putThrough,
  seen,
  shownIn,
  type Shown,
} from "./support.js";

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const RULE = { promotion: { when: "allRegionsReady" } } as const;
const BODY = plain(undefined, { sigil: RULE });

/** GET, with these tags instead of its own. */
async function edited(
  tags?: Record<string, string>,
): Promise<ImageVersionRequest> {
  world.clock.advance(60_000);
  const read = (await seen(world, id)) as unknown as ImageVersionRequest;
  return tags === undefined ? read : { ...read, tags };
}

async function tags(): Promise<Shown["tags"]> {
  return (await shownIn(world, id)).tags;
}

describe("a version with a promotion rule", () => {
  test("that was read while Azure makes it is sent back, and its rule still promotes it", async () => {
    const creation = operationIn(await put(world, id, BODY));
    expect(
      await put(world, id, await edited(), { pasted: true }),
    ).toMatchObject({ kind: "unchanged" });
    await pass(world, 100_000);
    expect(await isExcluded(world, id)).toBe(true);
    const meanwhile = operationIn(
      await put(world, id, await edited({ t: "1" }), { pasted: true }),
    );
    const patched = operationIn(await patch(world, id, { tags: { p: "1" } }));
    expect(await ended(world, [creation, meanwhile, patched])).toMatchObject(
      Array(3).fill({ status: "Succeeded" }),
    );
    expect(await tags()).toEqual({ t: "1", p: "1" });
    expect(await isExcluded(world, id)).toBe(false);
  });

  test("that was promoted is sent back unchanged, and held back by an edit that says so", async () => {
    await putThrough(world, id, BODY);
    expect(
      await put(world, id, await edited(), { pasted: true }),
    ).toMatchObject({ kind: "unchanged" });
    const read = await edited();
    const { publishingProfile } = read.properties;
    expect(
      await putThrough(
        world,
        id,
        {
          ...read,
          properties: {
            ...read.properties,
            publishingProfile: {
              ...publishingProfile,
              excludeFromLatest: true,
            },
          },
        },
        { pasted: true },
      ),
    ).toMatchObject({ status: "Succeeded" });
    await pass(world, 600_000);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test.each(["the portal", "Sigil"])(
    "that was held back through %s stays so, whatever else of it is changed",
    async (whom) => {
      await putThrough(world, id, BODY);
      if (whom === "Sigil")
        await ended(world, [await byHand.demote(world, id)]);
      else
        await world.simulator.control.editVersion({
          versionId: id,
          properties: { publishingProfile: { excludeFromLatest: true } },
        });
      // Until then a look might be from before Sigil's own promotion.
      await pass(world, 600_000);
      for (const more of [{}, { ifMatch: await etagOf(world, id) }])
        expect(
          await put(world, id, await edited(), { pasted: true, ...more }),
        ).toMatchObject({ kind: "unchanged" });
      const changes = [
        operationIn(
          await put(world, id, await edited({ t: "1" }), { pasted: true }),
        ),
        operationIn(await patch(world, id, { tags: { p: "1" } })),
      ];
      expect(await ended(world, changes)).toMatchObject(
        Array(2).fill({ status: "Succeeded" }),
      );
      await pass(world, 600_000);
      expect(await tags()).toEqual({ t: "1", p: "1" });
      expect(await isExcluded(world, id)).toBe(true);
    },
  );
});

test("an ETag from before another's promotion rule is 412, and the rule stays", async () => {
  const publishing = { excludeFromLatest: true };
  const sigil = { promotion: { when: "manual" } } as const;
  await putThrough(world, id, plain(undefined, { publishing }));
  const ifMatch = await etagOf(world, id);
  await putThrough(world, id, plain(undefined, { publishing, sigil }));
  const tagged = plain(undefined, { publishing, tags: { a: "1" } });
  expect(await refusal(put(world, id, tagged, { ifMatch }))).toMatchObject({
    code: "PreconditionFailed",
    fields: { etag: await etagOf(world, id) },
  });
  expect((await seen(world, id)).sigil.promotion).toEqual(sigil.promotion);
});

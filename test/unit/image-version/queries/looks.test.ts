import { beforeEach, describe, expect, test } from "vitest";
import { createLooks } from "../../../../src/image-version/queries/looks.js";
import type { Looks } from "../../../../src/image-version/ports.js";
import type { ObservedImageVersion } from "../../../../src/image-version/resources.js";
import { galleryIdOf, imageIdOf } from "../../../../src/resource-id.js";
import { idOf } from "../../../support/dependencies.js";
import { seedVersionId } from "../../../support/requests.js";
import { lookOf } from "../../../support/transitions.js";

const ID = idOf(seedVersionId("1.0.0"));
const IMAGE = imageIdOf(ID);
const GALLERY = galleryIdOf(ID);

let nowMs: number;
let reads: string[];
let answer: () => Promise<ObservedImageVersion | undefined>;
let looks: Looks;
beforeEach(() => {
  nowMs = Date.UTC(2026, 0, 1);
  reads = [];
  answer = () => Promise.resolve(lookOf("Succeeded"));
  looks = createLooks(
    {
      getImageVersion: ({ versionName }) => {
        reads.push(versionName);
        return answer();
      },
      listImageVersions: () => {
        reads.push("list");
        return Promise.resolve([]);
      },
    },
    {
      listImageDefinitions: (galleryId) => {
        reads.push(galleryId);
        return Promise.resolve([]);
      },
    },
    () => new Date(nowMs),
  );
});

describe("invariant 1: one read in half a minute", () => {
  test("of a version, in whatever case it is asked for", async () => {
    const first = await looks.version(ID);
    expect(first?.time).toBe("2026-01-01T00:00:00.000Z");
    nowMs += 29_999;
    expect(await looks.version({ ...ID, galleryName: "MYGALLERY" })).toBe(
      first,
    );
    nowMs += 1;
    expect((await looks.version(ID))?.time).toBe("2026-01-01T00:00:30.000Z");
    expect(reads).toEqual(["1.0.0", "1.0.0"]);
  });

  test("of a list, apart from the versions in it", async () => {
    await looks.versions(IMAGE);
    await looks.versions(IMAGE.toUpperCase());
    await looks.version(ID);
    expect(reads).toEqual(["list", "1.0.0"]);
  });

  test("of a gallery, for however many ask", async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        looks.images(i % 2 ? GALLERY : GALLERY.toUpperCase()),
      ),
    );
    nowMs += 29_999;
    await looks.images(GALLERY);
    expect(reads).toEqual([GALLERY.toUpperCase()]);
    nowMs += 1;
    await looks.images(GALLERY);
    expect(reads).toHaveLength(2);
  });

  test("of what is not there, too", async () => {
    answer = () => Promise.resolve(undefined);
    expect(await looks.version(ID)).toBeUndefined();
    expect(await looks.version(ID)).toBeUndefined();
    expect(reads).toHaveLength(1);
  });

  test("and not of what could not be read", async () => {
    answer = () => Promise.reject(new Error("down"));
    await expect(looks.version(ID)).rejects.toThrow("down");
    await expect(looks.version(ID)).rejects.toThrow("down");
    expect(reads).toHaveLength(2);
  });
});

test("invariant 2: whoever asks while it is being read waits for that very read", async () => {
  let resolve: (look: ObservedImageVersion) => void = () => undefined;
  answer = () => new Promise((done) => (resolve = done));
  const both = Promise.all([looks.version(ID), looks.version(ID)]);
  resolve(lookOf("Succeeded"));
  const [first, second] = await both;
  expect(second).toBe(first);
  expect(reads).toHaveLength(1);
});

test("invariant 3: the oldest answers go", async () => {
  const read = (i: number) => looks.version(idOf(seedVersionId(`1.0.${i}`)));
  for (let i = 0; i <= 500; i += 1) await read(i);
  reads = [];
  await read(500);
  await read(1);
  expect(reads).toEqual([]);
  await read(0);
  expect(reads).toEqual(["1.0.0"]);
});

test("invariant 3: fifty lists are kept", async () => {
  for (let i = 0; i <= 50; i += 1) await looks.versions(`${IMAGE}${i}`);
  reads = [];
  await looks.versions(`${IMAGE}50`);
  await looks.versions(`${IMAGE}1`);
  expect(reads).toEqual([]);
  await looks.versions(`${IMAGE}0`);
  expect(reads).toEqual(["list"]);
});

test("what was written to is read again, and so is its list", async () => {
  await looks.version(ID);
  await looks.versions(IMAGE);
  looks.forget(ID, IMAGE);
  await looks.version(ID);
  await looks.versions(IMAGE);
  expect(reads).toEqual(["1.0.0", "list", "1.0.0", "list"]);
});

test("a read that fails late does not take away what was read since", async () => {
  let reject: (error: Error) => void = () => undefined;
  answer = () => new Promise((_, fails) => (reject = fails));
  const first = looks.version(ID);
  looks.forget(ID, IMAGE);
  answer = () => Promise.resolve(lookOf("Succeeded"));
  const second = await looks.version(ID);
  reject(new Error("late"));
  await expect(first).rejects.toThrow("late");
  expect(await looks.version(ID)).toBe(second);
});

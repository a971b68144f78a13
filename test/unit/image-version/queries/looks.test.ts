import { beforeEach, describe, expect, test } from "vitest";
import { createLooks, seeing } from "../../../../src/image-version/queries/looks.js";
import { ServiceError } from "../../../../src/errors.js";
import type { Looks } from "../../../../src/image-version/ports.js";
import type {
  ListedImageVersion,
  ObservedImageVersion,
} from "../../../../src/image-version/resources.js";
import { galleryIdOf, imageIdOf } from "../../../../src/resource-id.js";
import { idOf } from "../../../support/dependencies.js";
import { seedVersionId } from "../../../support/requests.js";
import { lookOf } from "../../../support/transitions.js";

const ID = idOf(seedVersionId("1.0.0"));
const IMAGE = imageIdOf(ID);
const GALLERY = galleryIdOf(ID);
const NONE = `${GALLERY}None`;
const FOREIGN = `${GALLERY}Foreign`;

let nowMs: number;
let reads: string[];
let listed: string[];
let answer: () => Promise<ObservedImageVersion | undefined>;
let list: () => Promise<readonly ListedImageVersion[]>;
let looks: Looks;
beforeEach(() => {
  nowMs = Date.UTC(2026, 0, 1);
  reads = [];
  listed = [];
  answer = () => Promise.resolve(lookOf("Succeeded"));
  list = () => Promise.resolve([]);
  looks = createLooks(
    {
      getImageVersion: ({ versionName }) => {
        reads.push(versionName);
        return answer();
      },
      listImageVersions: () => {
        reads.push("list");
        return list();
      },
    },
    {
      listGalleries: () => {
        reads.push("galleries");
        return Promise.resolve(listed.map((id) => ({ id, name: "g", region: "westus" })));
      },
      listImageDefinitions: (galleryId) => {
        reads.push(galleryId);
        if (galleryId === FOREIGN)
          return Promise.reject(new ServiceError("ResourceManagerForbidden", "no role"));
        return Promise.resolve(galleryId === NONE ? undefined : []);
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
    expect(await looks.version({ ...ID, galleryName: "MYGALLERY" })).toBe(first);
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

  test("of galleries and of what is in one in an hour, for however many ask; in five seconds for who asks anew", async () => {
    const lists = {
      galleries: (anew: boolean) => looks.galleries(anew),
      [GALLERY]: (anew: boolean) => looks.images(GALLERY, anew),
    };
    for (const [name, list] of Object.entries(lists)) {
      reads = [];
      const time = new Date(nowMs).toISOString();
      const all = await Promise.all(Array.from({ length: 20 }, () => list(false)));
      expect(all[19]).toEqual({ time, items: [] });
      nowMs += 4_999;
      await list(true);
      expect(reads).toEqual([name]);
      nowMs += 1;
      expect((await list(false))?.time).toBe(time);
      const anew = await list(true);
      expect(anew?.time).toBe(new Date(nowMs).toISOString());
      nowMs += 3_599_999;
      expect(await list(false)).toBe(anew);
      expect(reads).toHaveLength(2);
      nowMs += 1;
      await list(false);
      expect(reads).toHaveLength(3);
    }
  });

  test("of a gallery in whatever case, and each time of one that is not there", async () => {
    await looks.images(GALLERY, false);
    await looks.images(GALLERY.toUpperCase(), false);
    expect(await looks.images(NONE, false)).toBeUndefined();
    await looks.images(NONE, false);
    expect(reads).toEqual([GALLERY, NONE, NONE]);
  });

  test("of those galleries that may not be looked into, too: they are not listed", async () => {
    listed = [GALLERY, FOREIGN, NONE];
    for (let i = 0; i < 2; i += 1)
      expect((await looks.galleries(false)).items).toMatchObject([{ id: GALLERY }]);
    await looks.images(GALLERY, true);
    expect(reads).toEqual(["galleries", GALLERY, FOREIGN, NONE]);
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

test("invariant 3: two hundred lists are kept", async () => {
  for (let i = 0; i <= 200; i += 1) await looks.versions(`${IMAGE}${i}`);
  reads = [];
  await looks.versions(`${IMAGE}200`);
  await looks.versions(`${IMAGE}1`);
  expect(reads).toEqual([]);
  await looks.versions(`${IMAGE}0`);
  expect(reads).toEqual(["list"]);
});

describe("invariant 4: what was read before stands in for a read to display that is not sent", () => {
  const notSent = (): Promise<never> =>
    Promise.reject(
      new ServiceError("ResourceManagerThrottled", "no turn", {
        retryAfterMs: 1_000,
      }),
    );

  test("of a version, for ten minutes, with the time at which it was read", async () => {
    const first = await looks.version(ID);
    answer = notSent;
    nowMs += 599_999;
    expect(await looks.version(ID)).toBe(first);
    nowMs += 1;
    await expect(looks.version(ID)).rejects.toThrow("no turn");
    expect(reads).toHaveLength(3);
  });

  test("of a list, also one to which was written since", async () => {
    const first = await looks.versions(IMAGE);
    expect(first?.time).toBe("2026-01-01T00:00:00.000Z");
    looks.forget(ID, IMAGE);
    list = notSent;
    nowMs += 60_000;
    expect(await looks.versions(IMAGE)).toBe(first);
  });
});

test("a refresh reads what was seen five seconds ago or earlier, once for all who ask", async () => {
  await looks.version(ID);
  nowMs += 4_999;
  await looks.version(ID, { anew: true });
  expect(reads).toHaveLength(1);
  nowMs += 1;
  const [one, other] = await Promise.all([
    looks.version(ID, { anew: true }),
    looks.version(ID, { anew: true }),
  ]);
  expect(one).toBe(other);
  expect(await looks.version(ID)).toBe(other);
  expect(reads).toHaveLength(2);
});

test("a look that began before a given time is read again", async () => {
  await looks.version(ID);
  nowMs += 1_000;
  const after = new Date(nowMs).toISOString();
  await looks.version(ID, { after: "2025-12-31T23:59:59Z" });
  await looks.version(ID, { after });
  expect(reads).toHaveLength(2);
});

describe("whatever reads a version by the wrapped resource manager", () => {
  const read = (): Promise<unknown> =>
    seeing({ getImageVersion: (_: typeof ID) => answer() }, looks).getImageVersion(ID);

  test("is seen by all, and its regions are remembered after that", async () => {
    answer = () => Promise.resolve(lookOf("Updating"));
    await read();
    expect(looks.has(ID)).toBe(true);
    const time = new Date(nowMs).toISOString();
    expect(await looks.version(ID)).toMatchObject({
      provisioningState: "Updating",
      time,
    });
    expect(reads).toEqual([]);
    nowMs += 86_400_000;
    expect(looks.has(ID)).toBe(false);
    expect(looks.seen(ID)).toMatchObject({ time });
  });

  test("and finds none forgets its regions", async () => {
    await read();
    answer = () => Promise.resolve(undefined);
    await read();
    expect(looks.seen(ID)).toBeUndefined();
    expect(await looks.version(ID)).toBeUndefined();
  });
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

import { expect, test } from "vitest";
import type { VersionNumbers } from "../../../src/image-version/ports.js";
import { newKey } from "./records.js";

/** The largest part of a version's number. */
const LARGEST = 2_147_483_647;

/** What VersionNumbers do; each that is created is another host's, of the same numbers. */
export function versionNumbersSuite(createNumbers: () => VersionNumbers): void {
  const newImage = (): string => `/images/${newKey()}`;
  const wanted = {
    requestKey: "a",
    above: undefined,
    increment: "patch",
  } as const;

  test("none were given at first", async () => {
    expect(await createNumbers().read(newImage(), "a")).toEqual({});
  });

  test("are given again to the request that has one, and not to it instead of that one", async () => {
    const numbers = createNumbers();
    const image = newImage();
    expect(await numbers.allocate(image, wanted)).toBe("1.0.0");
    expect(await numbers.allocate(image, wanted)).toBe("1.0.0");
    const other = { ...wanted, instead: "1.0.0" };
    expect(await numbers.allocate(image, other)).toBe("1.0.1");
    expect(await numbers.allocate(image, other)).toBe("1.0.1");
    expect(await numbers.read(image, "a")).toEqual({
      last: "1.0.1",
      bound: "1.0.1",
    });
    expect(await numbers.read(image)).toEqual({ last: "1.0.1" });
    expect(await numbers.read(image.toUpperCase(), "b")).toEqual({
      last: "1.0.1",
    });
  });

  test("are above the number that is named", async () => {
    const numbers = createNumbers();
    expect(await numbers.allocate(newImage(), { ...wanted, above: "3.0.9" })).toBe("3.0.10");
  });

  test("go on after one that cannot be given", async () => {
    const numbers = createNumbers();
    const image = newImage();
    const above = `1.0.${LARGEST}`;
    const outcomes = await Promise.allSettled(
      (["patch", "minor"] as const).map((increment) =>
        numbers.allocate(image, { requestKey: increment, above, increment }),
      ),
    );
    expect(outcomes).toMatchObject([
      { status: "rejected", reason: { code: "ImageVersionConflict" } },
      { status: "fulfilled", value: "1.1.0" },
    ]);
  });

  test("requests on several hosts at once get consecutive ones", async () => {
    const image = newImage();
    const hosts = [createNumbers(), createNumbers(), createNumbers()];
    const given = await Promise.all(
      hosts.flatMap((host, i) =>
        Array.from({ length: 7 }, (_, j) =>
          host.allocate(image, { ...wanted, requestKey: `${i} ${j}` }),
        ),
      ),
    );
    expect(given.map((number) => Number(number.split(".")[2])).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 21 }, (_, i) => i),
    );
  });

  test("a request that comes twice at once gets one number, and the next another", async () => {
    const numbers = createNumbers();
    const image = newImage();
    const given = await Promise.all(
      ["first", "a", "a", "b"].map((requestKey) =>
        numbers.allocate(image, { ...wanted, requestKey }),
      ),
    );
    expect(given).toEqual(["1.0.0", "1.0.1", "1.0.1", "1.0.2"]);
  });
}

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFINITION, GROUP, put, startHarness, versionId, type Harness } from "./harness.js";

const VERSIONS = 1000;
const names = Array.from({ length: VERSIONS }, (_, index) => `1.0.${index}`);

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
  for (const name of names) expect((await put(h, versionId(name), {})).status).toBe(201);
  await h.call("PUT", `${DEFINITION}2`, {
    body: {
      location: "westus",
      properties: {
        osType: "Linux",
        osState: "Generalized",
        hyperVGeneration: "V2",
        identifier: { publisher: "Contoso", offer: "Second", sku: "standard" },
      },
    },
  });
  await put(h, `${DEFINITION}2/versions/2.0.0`, {});
});
afterAll(() => h.close());

/** The names on each page, from the first page to the one without a `nextLink`. */
async function pages(): Promise<string[][]> {
  const result: string[][] = [];
  let next: string | undefined = `${DEFINITION}/versions`;
  while (next !== undefined) {
    const { body } = await h.call("GET", next);
    const { value, nextLink } = body as {
      value: { name: string }[];
      nextLink?: string;
    };
    result.push(value.map(({ name }) => name));
    next = nextLink;
  }
  return result;
}

describe("a list of 1,000 versions", () => {
  test("has every version once, oldest first, 100 to a page; none of another definition", async () => {
    const found = await pages();
    expect(found.map(({ length }) => length)).toEqual(Array(10).fill(100));
    expect(found.flat()).toEqual(names);
  });

  test("is followed by the SDK", async () => {
    const found = [];
    for await (const { name } of h.client.galleryImageVersions.listByGalleryImage(
      GROUP,
      "MyGallery",
      "MyImage",
    ))
      found.push(name);
    expect(found).toEqual(names);
  });

  test("has pages as long as they are set, until they are set back", async () => {
    expect((await h.control("setPageSize", 300)).status).toBe(200);
    const found = await pages();
    expect(found.map(({ length }) => length)).toEqual([300, 300, 300, 100]);
    expect(found.flat()).toEqual(names);
    await h.control("setPageSize", 1000);
    expect((await pages()).map(({ length }) => length)).toEqual([1000]);
    await h.control("setPageSize", null);
    expect((await pages())[0]).toHaveLength(100);
  });

  test.each([0, 1.5, "10"])("has no pages of %j", async (size) => {
    const { status, body } = await h.control("setPageSize", size);
    expect(status).toBe(400);
    expect(body.error?.message).toContain("an integer, 1 or more, or null");
  });

  test("goes on, and is shorter, when versions are deleted", async () => {
    await h.call("DELETE", versionId("1.0.0"));
    expect((await pages()).flat()).toEqual(names);
    h.clock.advance(60_000);
    expect((await pages()).flat()).toEqual(names.slice(1));
  });
});

test("a version has no systemData, on GET, LIST or PUT, even where its body had some", async () => {
  const answer = await h.call("PATCH", versionId("1.0.1"), {
    body: { systemData: { createdBy: "somebody" }, tags: { a: "b" } },
  });
  const got = await h.call("GET", versionId("1.0.1"));
  const list = await h.call("GET", `${DEFINITION}/versions`);
  for (const { status, body } of [answer, got, list])
    expect([status, JSON.stringify(body)]).toEqual([
      status,
      expect.not.stringContaining("systemData"),
    ]);
});

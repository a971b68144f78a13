import { beforeEach, expect, test } from "vitest";
import type { ImageDocuments } from "../../../src/image-documents.js";
import { seedResource } from "../requests.js";

const IMAGE = seedResource("galleries/MyGallery/images/MyImage");

/** Of retention policies, test profiles and what else there is one of for each image definition. */
export interface TestDocument {
  readonly imageId: string;
  readonly text: string;
}
const SHORT: TestDocument = { imageId: IMAGE, text: "a" };
const LONG: TestDocument = { imageId: IMAGE, text: "true\n".repeat(20_000) };

const conflict = { code: "StateConflict", retryable: true };

/** What ImageDocuments do. */
export function imageDocumentsSuite(createDocuments: () => ImageDocuments<TestDocument>): void {
  let documents: ImageDocuments<TestDocument>;
  beforeEach(async () => {
    documents = createDocuments();
    for (const { document } of await documents.list()) await documents.remove(document.imageId);
  });

  test("one is read as it was put, by the id of its image definition in any case", async () => {
    expect(await documents.read(IMAGE)).toBeUndefined();
    expect(await documents.list()).toEqual([]);
    await documents.put(LONG, undefined);
    const stored = await documents.read(IMAGE.toUpperCase());
    expect(stored?.document).toEqual(LONG);
    await documents.put({ ...SHORT, imageId: `${IMAGE}2` }, undefined);
    const listed = await documents.list();
    expect(listed).toHaveLength(2);
    expect(listed).toContainEqual(stored);
  });

  test("of two who put at once, the second is told", async () => {
    await documents.put(SHORT, undefined);
    await expect(documents.put(SHORT, undefined)).rejects.toMatchObject(conflict);
    const first = await documents.read(IMAGE);
    await documents.put(LONG, first?.etag);
    await expect(documents.put(SHORT, first?.etag)).rejects.toMatchObject(conflict);
    expect((await documents.read(IMAGE))?.document).toEqual(LONG);
    await documents.remove(IMAGE);
    await documents.remove(IMAGE);
    await expect(documents.put(SHORT, first?.etag)).rejects.toMatchObject(conflict);
    expect(await documents.read(IMAGE)).toBeUndefined();
  });
}

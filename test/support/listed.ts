import { expect } from "vitest";
import { digestOf } from "../../src/image-version/digest.js";
import { versionNameIn, versionScope } from "../../src/listings.js";
import type { Dependencies } from "../../src/image-version/ports.js";
import { foundIn, readShown } from "../../src/image-version/queries/find.js";
import { isFinal } from "../../src/image-version/state/states.js";
import { pagesOf } from "../../src/operation/pages.js";
import { imageIdOf, keyOf } from "../../src/resource-id.js";
import { idOf } from "./dependencies.js";

/** The listing's row says of each of these versions what its record does, if nothing is under way on it. */
export async function expectListed(
  { store, index }: Pick<Dependencies, "store" | "index">,
  versionIds: readonly string[],
  message?: string,
): Promise<void> {
  for (const versionId of versionIds) {
    const record = await store.readRecord(keyOf(versionId));
    if (record === undefined || !isFinal(record.state)) continue;
    const id = idOf(versionId);
    const rows = [];
    for await (const page of pagesOf(
      index,
      versionScope(imageIdOf(id)),
      undefined,
      undefined,
      true,
    ))
      rows.push(...page.filter((row) => versionNameIn(row) === id.versionName));
    const digest = digestOf(record);
    expect(
      rows.map((row) => row.digest),
      message,
    ).toEqual([digest && JSON.stringify(digest)]);
    expect(
      rows.map((row) => readShown(row.shown)?.found),
      message,
    ).toEqual([digest && foundIn(record)]);
  }
}

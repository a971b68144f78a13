/** What a look shows while no operation works on the version is listed only once it is stored. */
import { expect, test } from "vitest";
import { versionScope } from "../../../src/listings.js";
import { noteLook } from "../../../src/image-version/note-look.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { idOf } from "../../support/dependencies.js";
import { COMPLETED, lookOf, succeeded, told, VERSION_ID } from "../../support/transitions.js";
import { CONFLICT, createPorts, store } from "../operation/ports.js";

const THEIRS = lookOf("Succeeded", COMPLETED, {
  changes: { "/tags/team": "theirs" },
  seconds: 600,
});

async function start() {
  const ports = createPorts();
  const stored = await store(ports, told(succeeded()));
  const digests = async (): Promise<readonly unknown[]> =>
    (await ports.index.page(versionScope(imageIdOf(idOf(VERSION_ID))), 10)).rows.map(
      ({ digest }) => digest,
    );
  return { ports, stored, digests };
}

test("once it is stored, its row is written, without a digest while one look alone has shown it", async () => {
  const { ports, stored, digests } = await start();
  expect(await noteLook(ports as unknown as Dependencies, stored, THEIRS)).toBeDefined();
  expect(await digests()).toEqual([undefined]);
});

test("where another has written the version since, no row is written", async () => {
  const { ports, stored, digests } = await start();
  const commit = () => Promise.reject(CONFLICT);
  const other = { ...ports, store: { ...ports.store, commit } } as unknown as Dependencies;
  expect(await noteLook(other, stored, THEIRS)).toBeUndefined();
  expect(await digests()).toEqual([]);
});

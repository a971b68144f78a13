import {
  copyFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { JsonFile } from "../../../src/local/resource-manager/persistence.js";
import {
  DURATION_MS,
  encryptedVersion,
  get,
  plainVersion,
  replication,
  startHarness,
  submit,
  versionId,
  type Harness,
} from "./harness.js";

let directory: string;
let dataFile: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "sigil-resource-manager-"));
  dataFile = path.join(directory, "state.json");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("a simulator with a data file", () => {
  let h: Harness;
  beforeEach(async () => {
    h = await startHarness({ dataFile });
  });
  afterEach(() => h.close());

  test("has whatever it acknowledged in the file: a copy taken right after the answer starts where this one is", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    const copy = path.join(directory, "copy.json");
    await copyFile(dataFile, copy);
    const second = await h.start({ dataFile: copy });
    expect(await get(h.clientFor(second), "1.0.0")).toEqual(
      await get(h.client, "1.0.0"),
    );
    expect(second.control.creates(versionId("1.0.0"))).toBe(1);
  });

  test("goes on where it was after a restart, replication included, and knows the PUT under way", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS * 0.4);
    const before = await replication(h.client, "1.0.0");
    await h.simulator.close();
    const second = await h.start({ dataFile });
    const client = h.clientFor(second);
    expect(await replication(client, "1.0.0")).toEqual(before);
    await submit(client, "1.0.0", encryptedVersion());
    expect(second.control.creates(versionId("1.0.0"))).toBe(1);
    h.clock.advance(DURATION_MS * 0.6);
    expect((await get(client, "1.0.0")).provisioningState).toBe("Succeeded");
  });

  test("keeps planned failures and its speed", async () => {
    await h.simulator.control.failRegion({ region: "westus" });
    await h.simulator.control.setReplicationSpeed(4);
    await h.simulator.close();
    const client = h.clientFor(await h.start({ dataFile }));
    await submit(client, "1.0.0", plainVersion());
    h.clock.advance(DURATION_MS / 4);
    expect((await get(client, "1.0.0")).provisioningState).toBe("Failed");
  });

  test("says which file it cannot read", async () => {
    const damaged = path.join(directory, "damaged.json");
    await writeFile(damaged, "{");
    await expect(h.start({ dataFile: damaged })).rejects.toThrow(
      `${damaged}: not JSON; delete it to start anew`,
    );
  });
});

describe("a JSON file", () => {
  test("invariants 1 and 3: a save resolves with a document at least as new, and calls share writes", async () => {
    let value = 0;
    let written = 0;
    const file = new JsonFile(dataFile, () => {
      written += 1;
      return { value };
    });
    const saves = Array.from({ length: 100 }, () => {
      value += 1;
      const wanted = value;
      return file.save().then(async () => {
        const { value: found } = JSON.parse(
          await readFile(dataFile, "utf8"),
        ) as { value: number };
        expect(found).toBeGreaterThanOrEqual(wanted);
      });
    });
    await Promise.all(saves);
    expect(written).toBe(2);
  });

  test("invariant 2: nothing but whole documents is left behind", async () => {
    const file = new JsonFile(dataFile, () => ({ text: "x".repeat(100_000) }));
    await Promise.all([file.save(), file.save(), file.save()]);
    expect(await readdir(directory)).toEqual(["state.json"]);
  });

  test("a write that fails is told to its caller, and the next one is tried", async () => {
    const content: { self?: unknown } = {};
    content.self = content;
    const file = new JsonFile(dataFile, () => content);
    await expect(file.save()).rejects.toThrow("circular");
    delete content.self;
    await file.save();
    expect(await readFile(dataFile, "utf8")).toBe("{}");
  });
});

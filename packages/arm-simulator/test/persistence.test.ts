import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { JsonFile } from "../src/persistence.js";
import type { ResourceManagerSimulator } from "../src/server.js";
import {
  DURATION_MS,
  encryptedVersion,
  get,
  plainVersion,
  replication,
  startHarness,
  submit,
  SUBSCRIPTION,
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
    expect(await get(h.clientFor(second), "1.0.0")).toEqual(await get(h.client, "1.0.0"));
    expect(second.control.creates(versionId("1.0.0"))).toBe(1);
  });

  test("knows after a restart what is denied and which regions are withheld; an older file says nothing of either", async () => {
    const denial = {
      action: "Microsoft.Compute/images/read",
      scope: `/subscriptions/${SUBSCRIPTION}`,
    };
    const { control } = h.simulator;
    await control.denyAction(denial);
    await control.setUnavailableRegions({
      subscriptionId: SUBSCRIPTION,
      regions: ["East US 2"],
    });
    await h.simulator.close();
    const second = await h.start({ dataFile });
    expect(second.control.deniedActions()).toEqual([denial]);
    const offered = `https://localhost:${second.port}/subscriptions/${SUBSCRIPTION}/locations?api-version=2022-12-01`;
    expect(JSON.stringify((await h.call("GET", offered)).body)).not.toContain("eastus2");
    await second.close();

    const { denials, subscriptions, ...state } = JSON.parse(
      await readFile(dataFile, "utf8"),
    ) as Record<string, Record<string, Record<string, unknown>>>;
    expect(denials).toEqual([denial]);
    const { unavailableRegions, approvalRequired, ...older } = subscriptions?.[SUBSCRIPTION] ?? {};
    expect([unavailableRegions, approvalRequired]).toEqual([["eastus2"], []]);
    await writeFile(
      dataFile,
      JSON.stringify({ ...state, subscriptions: { [SUBSCRIPTION]: older } }),
    );
    const third = await h.start({ dataFile });
    expect(third.control.deniedActions()).toEqual([]);
    await submit(h.clientFor(third), "1.0.0", encryptedVersion());
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

  test("keeps how it was told to behave; an older file says nothing of it", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    await submit(h.client, "1.0.1", plainVersion());
    h.clock.advance(DURATION_MS);
    await h.control("setLag", { ms: 5000 });
    await h.control("lagNextReads", {
      versionId: versionId("1.0.1"),
      reads: 1,
    });
    await h.control("setPageSize", 1);
    await submit(h.client, "1.0.0", plainVersion({ tags: { a: "b" } }));
    await h.control("setPolicy", { deny: "No." });
    await h.control("setOmission", { mode: "keep" });
    await h.control("setFailureMode", { when: "firstRegion" });
    const status = async (name: string, of: ResourceManagerSimulator) =>
      (await h.call("GET", of.endpoint + version(name))).status;
    const version = (name: string) => `${versionId(name)}?api-version=2025-12-03`;
    await h.simulator.close();
    const second = await h.start({ dataFile });
    expect((await get(h.clientFor(second), "1.0.0")).tags).toBeUndefined();
    expect(await status("1.0.1", second)).toBe(404);
    expect(await status("1.0.1", second)).toBe(200);
    const { body } = await h.call("GET", second.endpoint + version(""));
    expect(body["value"]).toHaveLength(1);
    await expect(submit(h.clientFor(second), "1.0.2", plainVersion())).rejects.toMatchObject({
      code: "RequestDisallowedByPolicy",
    });
    await second.close();

    const { lag, pageSize, policy, omission, failsWhen, ...older } = JSON.parse(
      await readFile(dataFile, "utf8"),
    ) as Record<string, unknown>;
    expect([lag, pageSize, policy, omission, failsWhen]).toEqual([
      expect.objectContaining({ ms: 5000 }),
      1,
      { deny: "No." },
      { mode: "keep", excludeFromLatest: "false" },
      "firstRegion",
    ]);
    await writeFile(dataFile, JSON.stringify(older));
    const third = await h.start({ dataFile });
    expect((await get(h.clientFor(third), "1.0.0")).tags).toEqual({ a: "b" });
    expect((await h.call("GET", third.endpoint + version(""))).body["value"]).toHaveLength(2);
    await submit(h.clientFor(third), "1.0.2", plainVersion());
    h.clock.advance(DURATION_MS);
    await submit(h.clientFor(third), "1.0.0", plainVersion());
    expect((await get(h.clientFor(third), "1.0.0")).tags).toBeUndefined();
  });

  test("says which file it cannot read", async () => {
    const damaged = path.join(directory, "damaged.json");
    await writeFile(damaged, "{");
    await expect(h.start({ dataFile: damaged })).rejects.toThrow(
      `${damaged}: not JSON; delete it to start with an empty state`,
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
        const { value: found } = JSON.parse(await readFile(dataFile, "utf8")) as { value: number };
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

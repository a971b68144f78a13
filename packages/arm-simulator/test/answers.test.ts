/** What Microsoft's documents leave open, each guess turned round. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { runProgram } from "@sigil-local/testing/program";
import { expect, onTestFinished, test } from "vitest";
import { ANSWERS } from "../src/answers.js";
import type { Answers } from "../src/state.js";
import {
  COMPUTE,
  DEFINITION,
  DURATION_MS,
  encryptedVersion,
  get,
  plainVersion,
  startHarness,
  submit,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

async function world(answers: Partial<Answers>): Promise<Harness> {
  const h = await startHarness({ answers });
  onTestFinished(() => h.close());
  return h;
}

async function made(h: Harness, name: string, body = plainVersion()): Promise<void> {
  await submit(h.client, name, body);
  h.clock.advance(DURATION_MS);
}

/** In a gallery that deletes softly. */
async function softly(answers: Partial<Answers>): Promise<Harness> {
  const h = await world(answers);
  await h.control("setRegistrationState", {
    subscriptionId: SUBSCRIPTION,
    namespace: "Microsoft.Compute",
    feature: "SIGSoftDelete",
    state: "Registered",
  });
  await h.call("PATCH", `${COMPUTE}/galleries/MyGallery`, {
    body: { properties: { softDeletePolicy: { isSoftDeleteEnabled: true } } },
  });
  return h;
}

/** What is seen of each answer. */
const SEEN: {
  readonly [Name in keyof Answers]: {
    readonly answers: readonly Answers[Name][];
    readonly look: (answer: Partial<Answers>) => Promise<unknown>;
    readonly seen: readonly unknown[];
  };
} = {
  exclusionReading: {
    answers: ["regionFirst", "either"],
    seen: ["1.0.0", null],
    async look(answer) {
      const h = await world(answer);
      const targetRegions = [{ name: "westus", excludeFromLatest: false }];
      await made(
        h,
        "1.0.0",
        plainVersion({ publishingProfile: { excludeFromLatest: true, targetRegions } }),
      );
      return h.simulator.control.latest({ imageId: DEFINITION, region: "westus" });
    },
  },
  latestWhereNotReady: {
    answers: ["below", "itself", "none"],
    seen: ["1.0.0", "1.0.1", null],
    async look(answer) {
      const h = await world(answer);
      await made(h, "1.0.0");
      await submit(h.client, "1.0.1", plainVersion());
      return h.simulator.control.latest({ imageId: DEFINITION, region: "westus" });
    },
  },
  failsWhen: {
    answers: ["allSettled", "firstRegion"],
    seen: ["Creating", "Failed"],
    async look(answer) {
      const h = await world(answer);
      await h.simulator.control.failRegion({ region: "eastus2", atProgress: 5 });
      await submit(h.client, "1.0.0", encryptedVersion());
      h.clock.advance(DURATION_MS * 0.3);
      return (await get(h.client, "1.0.0")).provisioningState;
    },
  },
  omission: {
    answers: [
      { mode: "clear", excludeFromLatest: "false" },
      { mode: "keep", excludeFromLatest: "false" },
    ],
    seen: [undefined, { a: "b" }],
    async look(answer) {
      const h = await world(answer);
      await made(h, "1.0.0", plainVersion({ tags: { a: "b" } }));
      await made(h, "1.0.0");
      return (await get(h.client, "1.0.0")).tags;
    },
  },
  deleteWhilePut: {
    answers: ["accepted", "conflict"],
    seen: [202, 409],
    async look(answer) {
      const h = await world(answer);
      await submit(h.client, "1.0.0", plainVersion());
      return (await h.call("DELETE", versionId("1.0.0"))).status;
    },
  },
  readLagMs: {
    answers: [0, 5_000],
    seen: [200, 404],
    async look(answer) {
      const h = await world(answer);
      await submit(h.client, "1.0.0", plainVersion());
      return (await h.call("GET", versionId("1.0.0"))).status;
    },
  },
  dateAfterRestore: {
    answers: ["kept", "new"],
    seen: [true, false],
    async look(answer) {
      const h = await softly(answer);
      await made(h, "1.0.0");
      const { publishingProfile: before } = await get(h.client, "1.0.0");
      await h.call("DELETE", versionId("1.0.0"));
      h.clock.advance(DURATION_MS);
      const body = { location: "westus", properties: { restore: true } };
      expect((await h.call("PUT", versionId("1.0.0"), { body })).status).toBe(200);
      const { publishingProfile: after } = await get(h.client, "1.0.0");
      expect(after?.publishedDate).toBeInstanceOf(Date);
      return after?.publishedDate?.getTime() === before?.publishedDate?.getTime();
    },
  },
  failedSoftDelete: {
    answers: ["Conflict", "OperationNotAllowed"],
    seen: ["Conflict", "OperationNotAllowed"],
    async look(answer) {
      const h = await softly(answer);
      await h.simulator.control.failRegion({ region: "westus", atProgress: 5 });
      await made(h, "1.0.0");
      const { status, body } = await h.call("DELETE", versionId("1.0.0"));
      expect(status).toBe(409);
      return (body["error"] as { readonly code: string }).code;
    },
  },
};

test.each(Object.keys(SEEN) as (keyof Answers)[])("a world begins with %s", async (name) => {
  const { answers, look, seen } = SEEN[name];
  expect(await Promise.all(answers.map((value) => look({ [name]: value })))).toEqual(seen);
  expect(await look({}), "the default").toEqual(
    seen[
      answers.findIndex((value) => JSON.stringify(value) === JSON.stringify(ANSWERS[name].default))
    ],
  );
});

test("a world that goes on keeps the answers that it began with", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "answers-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const dataFile = path.join(folder, "state.json");
  const h = await startHarness({ dataFile, answers: { deleteWhilePut: "conflict" } });
  onTestFinished(() => h.close());
  await submit(h.client, "1.0.0", plainVersion());
  await h.simulator.close();
  const second = await h.start({ dataFile, answers: { deleteWhilePut: "accepted" } });
  await expect(
    h
      .clientFor(second)
      .galleryImageVersions.delete("MyResourceGroup", "MyGallery", "MyImage", "1.0.0"),
  ).rejects.toMatchObject({ code: "Conflict" });
});

test.each([
  ['{"latestWhereNotReady": "below"}', undefined],
  ['{"began": "…", "answers": {}, "choices": {"readLagMs": 5000}}', undefined],
  ['{"latestWhereNotRaedy": "below"}', "latestWhereNotRaedy"],
  ['{"choices": {"deleteWhilePut": "maybe"}}', "deleteWhilePut"],
  ['{"omission": {"mode": "keep"}}', "omission"],
  ["{", "JSON"],
])("--answers of %s", async (content, wrong) => {
  const folder = await mkdtemp(path.join(tmpdir(), "answers-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, "answers.json");
  await writeFile(file, content);
  // With --help nothing starts.
  const program = runProgram("arm-simulator/dist/main.js", ["--answers", file, "--help"]);
  expect(await program.exited).toBe(wrong === undefined ? 0 : 2);
  if (wrong !== undefined) expect(program.stderr()).toContain(wrong);
  else for (const name of Object.keys(ANSWERS)) expect(program.stdout()).toContain(name);
});

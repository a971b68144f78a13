import { expect, test } from "vitest";
import { CONTROLS, controlsAsText } from "../src/control-table.js";
import { runProgram } from "@sigil-local/testing/program";
import {
  DURATION_MS,
  encryptedVersion,
  startForEach,
  submit,
  versionId,
  type Harness,
} from "./harness.js";

let h: Harness;
startForEach((started) => (h = started));

const names = Object.keys(CONTROLS);

interface Described {
  readonly name: string;
  readonly does: string;
  readonly argument?: unknown;
  readonly example: string;
}

async function described(): Promise<readonly Described[]> {
  const response = await fetch(`${h.simulator.endpoint}/simulator`);
  expect(response.status).toBe(200);
  const { controls } = (await response.json()) as { controls: Described[] };
  return controls;
}

test("GET /simulator describes every control, and no other", async () => {
  const controls = await described();
  expect(controls.map(({ name }) => name).toSorted()).toEqual(
    Object.keys(h.simulator.control).toSorted(),
  );
  expect(controls.find(({ name }) => name === "setLag")).toEqual({
    name: "setLag",
    does: expect.stringContaining("GET and LIST show") as string,
    argument: {
      versionId: expect.stringMatching(
        /^the resource id of an image version.*may be left out$/u,
      ) as string,
      ms: "a number of milliseconds, 0 or more",
    },
    example: 'POST /simulator/setLag {"ms":5000}',
  });
});

test("--help describes every control in the same words", async () => {
  const program = runProgram("arm-simulator/dist/main.js", ["--help"]);
  expect(await program.exited).toBe(0);
  expect(program.stdout()).toContain(controlsAsText());
  for (const { name, does, example } of await described()) {
    expect(program.stdout()).toContain(`\n  ${name}\n      ${does}\n`);
    expect(program.stdout()).toContain(`\n      ${example}\n`);
  }
});

test.each(names)("the example of %s works", async (name) => {
  await submit(h.client, "1.0.0", encryptedVersion());
  h.clock.advance(DURATION_MS / 4);
  const { example } = (await described()).find((control) => control.name === name) ?? {
    example: "",
  };
  const [, path = "", body] = /^POST (\S+)(?: (.*))?$/u.exec(example) ?? [];
  const response = await fetch(`${h.simulator.endpoint}${path}`, {
    method: "POST",
    ...(body === undefined ? {} : { body }),
  });
  expect([response.status, await response.text()]).toEqual([
    200,
    expect.stringMatching(/^\{"result":/u),
  ]);
});

test.each(names)("%s refuses a wrong argument with what is right", async (name) => {
  const { status, body } = await h.control(name, { nonsense: true });
  expect(status).toBe(400);
  expect(body.error?.message).toMatch(
    /^(The argument of \w+ (has no member 'nonsense'. It has: |must be )|\w+ takes no argument\.$)/u,
  );
});

test.each([
  ["setReplicationSpeed", -1, "The argument of setReplicationSpeed must be a number, 0 or more."],
  ["setSucceededWhen", "never", 'must be one of "everyRegion", "homeRegion".'],
  ["addFault", { path: "(" }, "'path' of addFault must be a regular expression."],
  [
    "countRequests",
    { status: "200" },
    "'status' of countRequests must be an integer from 0 to 599.",
  ],
  [
    "setUnavailableRegions",
    { subscriptionId: "x", regions: ["mars"] },
    "'regions' of setUnavailableRegions must be a list of regions",
  ],
  [
    "failRegion",
    { region: "westus", atProgress: 101 },
    "'atProgress' of failRegion must be an integer from 0 to 100.",
  ],
  ["putResource", { id: "x" }, "must be a JSON object with at least the strings id, name and type"],
  [
    "creates",
    versionId("1.0.0").replace("/versions/", "/"),
    "must be the resource id of an image version",
  ],
])("%s refuses %j in words", async (name, argument, message) => {
  const { status, body } = await h.control(name, argument);
  expect(status).toBe(400);
  expect(body.error?.message).toContain(message);
});

test("what is not JSON is refused", async () => {
  const response = await fetch(`${h.simulator.endpoint}/simulator/setPolicy`, {
    method: "POST",
    body: "{addTags}",
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { message: "The argument of setPolicy must be JSON." },
  });
});

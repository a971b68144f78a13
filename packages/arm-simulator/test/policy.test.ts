import { describe, expect, test } from "vitest";
import {
  DURATION_MS,
  get,
  plainVersion,
  put,
  startForEach,
  submit,
  versionId,
  type Harness,
} from "./harness.js";

const V = versionId("1.0.0");

let h: Harness;
startForEach((started) => (h = started));

const tags = async () => (await get(h.client, "1.0.0")).tags;

describe("a policy that adds tags", () => {
  test("adds them to what is created, and they win over the body's", async () => {
    await h.control("setPolicy", { addTags: { cost: "42", stage: "prod" } });
    await submit(h.client, "1.0.0", plainVersion({ tags: { stage: "test", a: "b" } }));
    expect(await tags()).toEqual({ cost: "42", stage: "prod", a: "b" });
  });

  test("adds them to what is updated, by PUT and PATCH, with and without tags of its own", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    h.clock.advance(DURATION_MS);
    expect(await tags()).toBeUndefined();
    await h.control("setPolicy", { addTags: { cost: "42" } });
    await submit(h.client, "1.0.0", plainVersion());
    expect(await tags()).toEqual({ cost: "42" });
    h.clock.advance(DURATION_MS);
    await h.call("PATCH", V, { body: { tags: { a: "b", cost: "0" } } });
    expect(await tags()).toEqual({ a: "b", cost: "42" });
  });

  test("leaves the PUT under way the same request when it is sent again", async () => {
    await h.control("setPolicy", { addTags: { cost: "42" } });
    await submit(h.client, "1.0.0", plainVersion({ tags: { a: "b" } }));
    await submit(h.client, "1.0.0", plainVersion({ tags: { a: "b" } }));
    expect(h.simulator.control.creates(V)).toBe(1);
  });

  test.each([null, {}])("is cleared by %j", async (cleared) => {
    await h.control("setPolicy", { addTags: { cost: "42" }, deny: "No." });
    expect((await h.control("setPolicy", cleared)).status).toBe(200);
    await submit(h.client, "1.0.0", plainVersion());
    expect(await tags()).toBeUndefined();
  });
});

describe("a policy that denies", () => {
  const message = "Resource '1.0.0' was disallowed by policy.";

  test("refuses every PUT and PATCH with its message; reads and deletions go on", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    h.clock.advance(DURATION_MS);
    await h.control("setPolicy", { deny: message });
    const refusal = {
      status: 403,
      body: {
        error: { code: "RequestDisallowedByPolicy", message, target: "1.0.0" },
      },
    };
    expect(await put(h, V, {})).toMatchObject(refusal);
    expect(await h.call("PATCH", V, { body: { tags: { a: "b" } } })).toMatchObject(refusal);
    expect((await put(h, versionId("1.0.1"), {})).status).toBe(403);
    expect(h.simulator.control.creates(versionId("1.0.1"))).toBe(0);
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Succeeded");
    expect((await h.call("DELETE", V)).status).toBe(202);
  });
});

test.each([
  [[], "must be a JSON object with: addTags, deny."],
  [{ addTags: { a: 1 } }, "'addTags' of setPolicy must be a JSON object of"],
  [{ deny: "" }, "'deny' of setPolicy must be a string that is not empty."],
  [{ replicaCount: 1 }, "has no member 'replicaCount'. It has: addTags, deny."],
])("setPolicy refuses %j in words", async (policy, message) => {
  const { status, body } = await h.control("setPolicy", policy);
  expect(status).toBe(400);
  expect(body.error?.message).toContain(message);
});

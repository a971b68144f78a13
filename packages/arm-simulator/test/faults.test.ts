import { describe, expect, test } from "vitest";
import { RateLimits } from "../src/rate-limits.js";
import {
  DURATION_MS,
  encryptedVersion,
  get,
  plainVersion,
  replication,
  startForEach,
  submit,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

let h: Harness;
startForEach((started) => (h = started));

describe("a fault", () => {
  test("answers as it is told, as often as it is told, then no more", async () => {
    const { control } = h.simulator;
    control.addFault({
      method: "PUT",
      path: "/versions/",
      times: 2,
      status: 429,
      headers: { "Retry-After": "7" },
    });
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(submit(h.client, "1.0.0", plainVersion())).rejects.toMatchObject({
        statusCode: 429,
        code: "TooManyRequests",
      });
    expect(control.creates(versionId("1.0.0"))).toBe(0);
    await submit(h.client, "1.0.0", plainVersion());
    expect(control.creates(versionId("1.0.0"))).toBe(1);
    expect(control.faults()).toMatchObject([{ met: 2 }]);
  });

  test("tells its Retry-After", async () => {
    h.simulator.control.addFault({
      status: 429,
      headers: { "Retry-After": "7" },
    });
    const { headers } = await h.call("GET", versionId("1.0.0"));
    expect(headers.get("retry-after")).toBe("7");
  });

  test("lets afterMatches requests pass first, and meets its method and path alone", async () => {
    h.simulator.control.addFault({
      method: "GET",
      path: "versions/1\\.0\\.0\\?",
      afterMatches: 1,
      status: 500,
    });
    await submit(h.client, "1.0.0", plainVersion());
    await submit(h.client, "1.0.1", plainVersion());
    await get(h.client, "1.0.0");
    await get(h.client, "1.0.1");
    await expect(get(h.client, "1.0.0")).rejects.toMatchObject({
      statusCode: 500,
      code: "InternalServerError",
    });
    await get(h.client, "1.0.0");
  });

  test("with times null lasts until it is cleared", async () => {
    h.simulator.control.addFault({ times: null, status: 503 });
    for (let attempt = 0; attempt < 5; attempt += 1)
      expect((await h.call("GET", versionId("1.0.0"))).status).toBe(503);
    h.simulator.control.clearFaults();
    expect((await h.call("GET", versionId("1.0.0"))).status).toBe(404);
  });

  test("reset: the connection breaks and nothing was done", async () => {
    h.simulator.control.addFault({ method: "PUT", action: "reset" });
    await expect(submit(h.client, "1.0.0", plainVersion())).rejects.toMatchObject({
      name: "RestError",
    });
    expect(h.simulator.control.creates(versionId("1.0.0"))).toBe(0);
    expect(h.simulator.control.countRequests({ method: "PUT", status: 0 })).toBe(1);
  });

  test("reset-after-processing: the connection breaks, yet the version is created; once, when it is sent again", async () => {
    h.simulator.control.addFault({
      method: "PUT",
      action: "reset-after-processing",
    });
    await expect(submit(h.client, "1.0.0", plainVersion())).rejects.toMatchObject({
      name: "RestError",
    });
    expect(h.simulator.control.creates(versionId("1.0.0"))).toBe(1);
    await submit(h.client, "1.0.0", plainVersion());
    expect(h.simulator.control.creates(versionId("1.0.0"))).toBe(1);
  });

  test("expired-token: 401 with WWW-Authenticate", async () => {
    h.simulator.control.addFault({ action: "expired-token" });
    const { status, body, headers } = await h.call("GET", versionId("1.0.0"));
    expect(status).toBe(401);
    expect(body).toMatchObject({
      error: { code: "ExpiredAuthenticationToken" },
    });
    expect(headers.get("www-authenticate")).toContain('error="invalid_token"');
  });

  test("hide: a GET right after the PUT is 404, and earlier ones do not use it up", async () => {
    h.simulator.control.addFault({
      action: "hide",
      path: "/versions/1.0.0",
      times: 2,
    });
    await expect(get(h.client, "1.0.0")).rejects.toMatchObject({
      statusCode: 404,
    });
    await submit(h.client, "1.0.0", plainVersion());
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(get(h.client, "1.0.0")).rejects.toMatchObject({
        statusCode: 404,
        code: "ResourceNotFound",
      });
    expect((await get(h.client, "1.0.0")).provisioningState).toBe("Creating");
  });
});

describe("the control endpoint", () => {
  test("does what the methods do", async () => {
    await h.control("addFault", { method: "GET", status: 500 });
    expect((await h.call("GET", versionId("1.0.0"))).status).toBe(500);
    await h.control("failRegion", {
      versionId: versionId("1.0.0"),
      region: "westus",
    });
    await submit(h.client, "1.0.0", plainVersion());
    await h.control("setReplicationSpeed", 40);
    h.clock.advance(DURATION_MS / 40);
    expect(await replication(h.client, "1.0.0")).toEqual({
      "West US": { state: "Failed", progress: 35 },
    });
    expect(await h.control("creates", versionId("1.0.0"))).toEqual({
      status: 200,
      body: { result: 1 },
    });
    expect((await h.control("countRequests", { method: "put" })).body.result).toBe(1);
    expect((await h.control("requests")).body.result).toMatchObject([
      { method: "GET", status: 500 },
      { method: "PUT", status: 201 },
      { method: "GET", status: 200 },
    ]);
  });

  test.each([
    ["an unknown control", "explode", undefined, 404, "No such control 'explode'"],
    [
      "an unknown member of a fault",
      "addFault",
      { stauts: 500 },
      400,
      "The argument of addFault has no member 'stauts'",
    ],
    [
      "an unknown action",
      "addFault",
      { action: "burn" },
      400,
      '\'action\' of addFault must be one of "respond", "reset",',
    ],
    [
      "an unknown region",
      "failRegion",
      { region: "mars" },
      400,
      "'region' of failRegion must be a region, as 'westus' or 'West US'.",
    ],
    [
      "an unknown subscription",
      "setRegistrationState",
      {
        subscriptionId: "x",
        namespace: "Microsoft.Compute",
        state: "Registered",
      },
      400,
      "The subscription 'x' could not be found.",
    ],
  ])("refuses %s in words", async (_what, method, argument, status, message) => {
    const answer = await h.control(method, argument);
    expect(answer.status).toBe(status);
    expect(answer.body.error?.message).toContain(message);
  });
});

test("a change of speed moves nothing that is done (replication, invariant 3)", async () => {
  await submit(h.client, "1.0.0", encryptedVersion());
  h.clock.advance(DURATION_MS * 0.4);
  const before = await replication(h.client, "1.0.0");
  await h.simulator.control.setReplicationSpeed(0);
  h.clock.advance(DURATION_MS * 10);
  expect(await replication(h.client, "1.0.0")).toEqual(before);
  await h.simulator.control.setReplicationSpeed(10);
  h.clock.advance(DURATION_MS * 0.06);
  expect((await get(h.client, "1.0.0")).provisioningState).toBe("Succeeded");
});

describe("rate limits", () => {
  test("are told in headers, count nothing and refuse nothing by default", async () => {
    await h.call("GET", versionId("1.0.0"));
    const first = await h.call("GET", versionId("1.0.0"));
    expect(first.headers.get("x-ms-ratelimit-remaining-subscription-reads")).toBe("249");
    expect(first.headers.get("x-ms-ratelimit-remaining-resource")).toBe(
      "Microsoft.Compute/GetGalleryImageVersion3Min;599,Microsoft.Compute/GetGalleryImageVersion30Min;2999",
    );
    const { headers } = await h.call("PUT", versionId("1.0.0"), {
      body: { location: "westus" },
    });
    expect(headers.get("x-ms-ratelimit-remaining-subscription-writes")).toBe("199");
    expect(headers.get("x-ms-ratelimit-remaining-resource")).toContain(
      "Microsoft.Compute/CreateUpdateGalleryImageVersion3Min;374",
    );
  });

  test.each([
    ["CreateUpdateGalleryImageVersion", 375, 1200],
    ["GetGalleryImageVersion", 600, 3000],
    ["DeleteGalleryImageVersion", 375, 1200],
  ] as const)(
    "of %s are %i in three minutes and %i in thirty, each policy apart",
    (policy, short, long) => {
      const limits = new RateLimits(h.clock, true);
      const take = (of = policy) => {
        // The subscription's own bucket is full again.
        h.clock.advance(100);
        return limits.take(SUBSCRIPTION, "writes", of)["x-ms-ratelimit-remaining-resource"];
      };
      const takeAll = () => Array.from({ length: short }, () => take()).at(-1);
      expect(takeAll()).toBe(
        `Microsoft.Compute/${policy}3Min;0,Microsoft.Compute/${policy}30Min;${long - short}`,
      );
      expect(() => take()).toThrow(`the limit has been reached for operation type - ${policy}`);
      const another =
        policy === "GetGalleryImageVersion"
          ? "DeleteGalleryImageVersion"
          : "GetGalleryImageVersion";
      expect(take(another)).toContain(`${another}3Min;`);
      for (let left = long - short; left > 0; left -= short) {
        h.clock.advance(180_000);
        for (let n = 0; n < Math.min(left, short); n += 1) take();
      }
      h.clock.advance(180_000);
      expect(() => take()).toThrow("the limit has been reached");
      h.clock.advance(30 * 60_000);
      expect(take()).toContain(`30Min;${long - 1}`);
    },
  );

  test("answer 429 with Retry-After when they are enforced, and fill again with time", async () => {
    const strict = await h.start({ enforceRateLimits: true });
    const token = await h.issuer.issueToken();
    const read = () =>
      fetch(`${strict.endpoint}/subscriptions/${SUBSCRIPTION}?api-version=2022-12-01`, {
        headers: { Authorization: `Bearer ${token}` },
      });
    const statuses = await Promise.all(
      Array.from({ length: 250 }, async () => {
        const response = await read();
        await response.text();
        return response.status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    const refused = await read();
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toMatchObject({
      error: { code: "TooManyRequests" },
    });
    h.clock.advance(1000);
    expect((await read()).status).toBe(200);
  });
});

/** GET /attention, with its handler: pages, filters, ETag, and who sees rejected messages. */
import { HttpRequest, InvocationContext, type HttpResponseInit } from "@azure/functions";
import { expect, test } from "vitest";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { overviewHandlers } from "../../../src/http/overview-handlers.js";
import type { AttentionView } from "../../../src/image-version/contract.js";
import { createLooks } from "../../../src/image-version/index.js";
import { getRollout } from "../../../src/rollout/get-rollout.js";
import { revocationOf } from "../../support/dependencies.js";
import { seedVersionId } from "../../support/requests.js";
import {
  document,
  missingHeaders,
  responseMistakes,
  validator,
} from "../../unit/http/contract/document.js";
import { BOOT, HELD, reportLater, rollouts, useRollouts } from "./support.js";

useRollouts();

const HALTED = seedVersionId("3.0.0");
const GALLERY = HELD.replace(/\/images\/.*$/u, "");
const MANUAL = {
  when: "waves",
  waves: [
    { regions: ["westus"], ...BOOT },
    { regions: ["eastus2"], after: "manual", results: ["boot"] },
  ],
};
/** One message that nobody could take. */
const KEPT = {
  id: "7",
  enqueuedTime: "2026-06-01T00:00:00.000Z",
  code: "Forbidden",
  reason: "The queue may not write there.",
  errors: [],
  originalLength: undefined,
  bytes: Buffer.from("{}"),
  applicationProperties: {},
};

/** A halted version, and one whose second wave waits for a person. */
async function twoThatNeedSomebody(): Promise<void> {
  await rollouts.publish(MANUAL);
  await reportLater({});
  await rollouts.pass(15);
  await reportLater({ region: "eastus2" });
  await rollouts.publish(MANUAL, HALTED);
  await rollouts.report({ result: "failed" }, HALTED);
  await rollouts.pass(1);
}

/** As one instance answers, whose callers have that role. */
function instance(role = "ImageVersions.Read") {
  const { deps } = rollouts.world;
  const handlers = overviewHandlers(
    createEndpoint({
      document,
      validator,
      authenticator: { authenticate: () => Promise.resolve({ appId: "pager", roles: [role] }) },
    }),
    { ...deps, looks: createLooks(deps.resourceManager, deps.resources, deps.now) },
    deps,
    async (version) => {
      const rollout = await getRollout(rollouts.rollout, version);
      return rollout ? { rollout } : {};
    },
    revocationOf(deps).revocations,
    {
      peek: (from) => Promise.resolve(from > 7n ? [] : [KEPT]),
      remove: () => Promise.resolve(false),
    },
  );
  return async (query = "", known = "") => {
    const response = (await handlers.getAttention(
      new HttpRequest({
        method: "GET",
        url: `https://sigil.example/api/attention${query}`,
        ...(known !== "" && { headers: { "If-None-Match": known } }),
      }),
      new InvocationContext({ invocationId: "1", functionName: "test" }),
    )) as HttpResponseInit & { readonly headers: Record<string, string> };
    const { status = 0, headers, body } = response;
    expect(missingHeaders("getAttention", status, new Headers(headers))).toEqual([]);
    const view = (status === 304 ? {} : JSON.parse(body as string)) as AttentionView;
    if (status !== 304)
      expect(responseMistakes("getAttention", status, headers["Content-Type"] ?? "", view)).toEqual(
        [],
      );
    return { status, etag: headers["ETag"] ?? "", again: headers["Retry-After"], body, view };
  };
}

const versionsOf = ({ value }: AttentionView) => value.flatMap(({ about }) => about.versions ?? []);

test("pages follow each other; each row is on one of them, the most urgent first", async () => {
  await twoThatNeedSomebody();
  const get = instance();
  const { view: first } = await get("?top=1");
  expect(first.value).toMatchObject([{ severity: "error", code: "Halted" }]);
  expect(first.counts).toEqual({ error: 1, warning: 1 });
  const { view: last } = await get(new URL(first.nextLink ?? "").search);
  expect(last.value).toMatchObject([{ severity: "warning", code: "WaitsForGo" }]);
  expect(last.nextLink).toBeUndefined();
  expect([...versionsOf(first), ...versionsOf(last)]).toEqual([HALTED, HELD]);
});

test("by severity and by place there is less, and counts tell of all severities", async () => {
  await twoThatNeedSomebody();
  const get = instance();
  const errors = (await get("?severity=error")).view;
  expect(versionsOf(errors)).toEqual([HALTED]);
  expect(errors.counts).toEqual({ error: 1, warning: 1 });
  expect(versionsOf((await get(`?gallery=${GALLERY}`)).view)).toEqual([HALTED, HELD]);
  expect((await get(`?gallery=${GALLERY}2`)).view).toMatchObject({
    value: [],
    seen: { versions: 0 },
  });
  const [, , subscriptionId] = HELD.split("/");
  expect(versionsOf((await get(`?subscriptionId=${subscriptionId}`)).view)).toEqual([HALTED, HELD]);
  const other = "00000000-0000-0000-0000-000000000000";
  expect((await get(`?subscriptionId=${other}`)).view.value).toEqual([]);
  expect((await get("?severity=bad")).status).toBe(400);
});

test("whoever has the answer is told 304 until something changes", async () => {
  await twoThatNeedSomebody();
  const get = instance();
  const { etag, again } = await get();
  // Nothing is under way
  expect(again).toBe("60");
  const same = await get("", `"other", W/${etag}`);
  expect(same).toMatchObject({ status: 304, etag, again });
  expect(same.body).toBeUndefined();
  await rollouts.report({}, HALTED);
  await rollouts.pass(1);
  expect(await get("", etag)).toMatchObject({ status: 200 });
});

test("rejected messages are in one row, which an Admin alone sees", async () => {
  expect((await instance("ImageVersions.Write")()).view.value).toEqual([]);
  const { value, counts } = (await instance("ImageVersions.Admin")()).view;
  expect(value).toMatchObject([
    {
      code: "MessageRejected",
      since: KEPT.enqueuedTime,
      title: expect.any(String) as string,
      whatToDo: { command: "sigil rejected list" },
    },
  ]);
  expect(counts).toEqual({ error: 0, warning: 1 });
});

import { afterAll, beforeAll, expect, test } from "vitest";
import type { components } from "../../src/generated/openapi.js";
import { pathOf, type ApiClient, type Problem } from "../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";

type Schemas = components["schemas"];

const VERSION = seedVersionId("1.0.0");
const RESULTS = `${pathOf(VERSION)}/test-results`;
const REPORTED = "Sigil.ImageVersion.TestResultReported";

let stack: Stack;
let writer: ApiClient;
let reader: ApiClient;
beforeAll(async () => {
  stack = await Stack.start({
    simulator: { replication: { durationMs: 500 } },
    settings: {
      SIGIL_GALLERY_POLICY: JSON.stringify({
        rules: [
          {
            callers: [{ role: "ImageVersions.Write" }, { queue: "image-version-requests" }],
            galleries: [{ subscriptionId: "*", galleryName: "MyGallery" }],
          },
        ],
      }),
    },
  });
  const host = await stack.startHost();
  writer = await stack.client(host, ["ImageVersions.Write"]);
  reader = await stack.client(host, ["ImageVersions.Read"]);
  await writer.put(VERSION, managedImageRequest());
  await stack.events.ended(VERSION);
});
afterAll(() => stack?.close());

const event = (id: string, data: object, subject = VERSION) => ({
  body: {
    specversion: "1.0",
    id,
    source: "urn:tests",
    type: "Sigil.TestResult",
    subject,
    time: new Date().toISOString(),
    data,
  },
  contentType: "application/cloudevents+json",
  messageId: id,
});

test("results are reported by HTTP and by Service Bus, each is told, and all that count are listed", async () => {
  const boot = { name: "boot", region: "West US", result: "passed" };
  expect((await reader.request<Problem>("POST", RESULTS, { body: boot })).body).toMatchObject({
    status: 403,
    requiredRole: "ImageVersions.Write",
  });
  const elsewhere = await writer.request<Problem>(
    "POST",
    RESULTS.replace("/MyGallery/", "/MySharedGallery/"),
    { body: boot },
  );
  expect(elsewhere.body.detail).toContain("gallery policy");
  const wrong = await writer.request<Problem>("POST", RESULTS, {
    body: { name: "azure/boot", region: "westus", result: "ok", link: "x:y" },
  });
  expect(wrong.body.errors.map(({ code, pointer }) => `${code} ${pointer}`).sort()).toEqual([
    "InvalidFormat /link",
    "InvalidFormat /name",
    "NotAllowedValue /result",
  ]);

  const taken = await writer.request<Schemas["ReportedTestResult"]>("POST", RESULTS, {
    body: boot,
  });
  expect(taken).toMatchObject({
    status: 200,
    body: { ...boot, region: "westus" },
  });
  await stack.send(
    "image-version-requests",
    event("run-1", { name: "boot", region: "eastus2", result: "failed" }),
    event("run-2", boot, VERSION.replace("/MyGallery/", "/MySharedGallery/")),
  );
  const events = await stack.events.until(
    (all) =>
      all.filter(({ type }) => type === REPORTED).length === 2 &&
      all.some(({ type }) => type === "Sigil.ImageVersion.Rejected"),
  );
  expect(
    events
      .filter(({ type }) => /Rejected|TestResult/u.test(type))
      .map(({ data }) => (data as { request?: { id: string } }).request?.id)
      .sort(),
  ).toEqual(["run-1", "run-2", undefined]);

  await stack.simulator.editVersion({
    versionId: VERSION,
    properties: {
      validationsProfile: {
        executedValidations: [{ type: "TrustedLaunch", status: "Succeeded" }],
      },
    },
  });
  await expect
    .poll(
      async () => {
        const { body } = await reader.request<Schemas["ReportedTestResultList"]>("GET", RESULTS);
        return body.value.map(({ name, region, result }) => [region, name, result].join(" "));
      },
      { interval: 500 },
    )
    .toEqual([
      "eastus2 azure/TrustedLaunch passed",
      "eastus2 boot failed",
      "westus azure/TrustedLaunch passed",
      "westus boot passed",
    ]);
  expect((await reader.request("GET", RESULTS.replace("1.0.0", "9.9.9"))).status).toBe(404);
});

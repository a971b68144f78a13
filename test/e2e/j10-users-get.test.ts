/** Sentences that users were promised, against the running product. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HostProcess } from "@sigil-local/functions-host/process";
import {
  managedImageRequest,
  seedResource,
  seedVersionId,
} from "../support/requests.js";
import { Stack } from "../support/stack.js";

let stack: Stack;
let host: HostProcess;
let token = "";
beforeAll(async () => {
  stack = await Stack.start({
    simulator: { replication: { durationMs: 300 } },
  });
  host = await stack.startHost();
  token =
    (await stack.services.tokenIssuer?.issueToken({
      roles: ["ImageVersions.Write", "ImageVersions.Admin"],
    })) ?? "";
});
afterAll(() => stack.close().catch(() => undefined));

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}
async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${host.origin}/api${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}
const pathOf = (id: string): string =>
  id.replace("/providers/Microsoft.Compute", "");
async function end({ body }: Answer): Promise<Answer["body"]> {
  for (;;) {
    const { body: operation } = await call(
      "GET",
      `/operations/${body.id}?wait=10`,
    );
    if (operation.endTime !== undefined) return operation;
  }
}
const plain = (regions: readonly object[], more: object = {}): unknown => ({
  location: "westus",
  properties: {
    publishingProfile: { targetRegions: regions },
    storageProfile: { source: { id: seedResource("images/myImage") } },
  },
  ...more,
});

test("plans say what Azure will fill in, in the spelling that the user wrote", async () => {
  const { body } = await call(
    "POST",
    `${pathOf(seedVersionId("6.0.0"))}/plan`,
    plain([{ name: "West US" }, { name: "East US 2" }]),
  );
  const told = body.findings
    .map(({ message }: { message: string }) => message)
    .join("\n");
  console.log(
    JSON.stringify(body.changes),
    JSON.stringify(body.request.body.properties.publishingProfile),
  );
  expect(told).toContain("East US 2");
});

test("rollback: If-Match, dryRun, from, to, regions, Idempotency-Key, again", async () => {
  const at = (n: string): string => pathOf(seedVersionId(n));
  for (const n of ["6.1.0", "6.1.1"])
    expect(
      (await end(await call("PUT", at(n), plain([{ name: "westus" }])))).status,
    ).toBe("Succeeded");
  const image = at("6.1.0").split("/versions/")[0] ?? "";
  const wrong = await call(
    "POST",
    `${image}/rollback`,
    {},
    { "If-Match": '"nope"' },
  );
  const dry = await call("POST", `${image}/rollback`, { dryRun: true });
  const key = { "Idempotency-Key": "k-1" };
  const first = await call("POST", `${image}/rollback`, { to: "6.1.0" }, key);
  const again = await call("POST", `${image}/rollback`, { to: "6.1.0" }, key);
  const done = await end(first);
  const repeated = await call("POST", `${image}/rollback`, {});
  console.log(
    JSON.stringify([
      wrong.status,
      wrong.body.errors,
      dry.status,
      dry.body,
      first.status,
      first.body.rollback,
      again.body.id === first.body.id,
      done.status,
      done.rollback,
      repeated.status,
      repeated.body.id === first.body.id,
    ]),
  );
  for (const verb of ["promote", "demote", "retry"]) {
    const k = { "Idempotency-Key": `k-${verb}` };
    const a = await call("POST", `${at("6.1.1")}/${verb}`, undefined, k);
    const b = await call("POST", `${at("6.1.1")}/${verb}`, undefined, k);
    console.log(
      verb,
      a.status,
      b.status,
      a.body.id === b.body.id,
      a.body.detail,
    );
    if (a.status === 202) await end(a);
  }
  const c1 = await call(
    "POST",
    `${image}/versions`,
    plain([{ name: "westus" }]),
    { "Idempotency-Key": "n" },
  );
  const c2 = await call(
    "POST",
    `${image}/versions`,
    plain([{ name: "westus" }]),
    { "Idempotency-Key": "n" },
  );
  console.log(
    "next",
    c1.status,
    c1.headers.get("location"),
    c1.body.id === c2.body.id,
  );
  await end(c1);
  const noImage = await call("GET", `${image}Nope/versions`);
  console.log("list of none", noImage.status, noImage.body.detail);
  const deleted = await end(await call("DELETE", at("6.1.1")));
  const gone = await call("GET", at("6.1.1"));
  const history = await call("GET", `/operations?top=100`);
  console.log(
    "deleted",
    deleted.status,
    gone.status,
    gone.body.detail,
    history.body.value.filter((o: { resourceId: string }) =>
      o.resourceId.endsWith("6.1.1"),
    ).length,
    deleted.calls,
    (await call("GET", `/operations/${deleted.id}?expand=calls`)).body.calls
      ?.length,
  );
  const cancel = await call(
    "POST",
    `/operations/${deleted.id}/cancel`,
    undefined,
    { "Idempotency-Key": "x" },
  );
  console.log(
    "cancel ended",
    cancel.status,
    cancel.body.code,
    cancel.body.detail,
  );
  void managedImageRequest;
});

test("failed region: next attempt, n of m; removeRegions; PATCH with null", async () => {
  const id = seedVersionId("6.2.0");
  await stack.simulator.failRegion({ versionId: id, region: "eastus2" });
  const op = await call(
    "PUT",
    pathOf(id),
    plain([{ name: "West US" }, { name: "East US 2" }]),
  );
  const done = await end(op);
  console.log(JSON.stringify(done.regions), JSON.stringify(done.error));
  const retry = await call("POST", `${pathOf(id)}/retry`);
  console.log("retry", retry.status, (await end(retry)).status);
  for (const [what, p] of [
    ["tags null", { tags: null }],
    ["properties null", { properties: null }],
    [
      "regions null",
      { properties: { publishingProfile: { targetRegions: null } } },
    ],
    [
      "region by name",
      {
        properties: {
          publishingProfile: {
            targetRegions: [{ name: "westus", regionalReplicaCount: 2 }],
          },
        },
      },
    ],
    ["location null", { location: null }],
    ["sigil null", { sigil: null }],
    ["empty", {}],
    ["list", []],
  ] as const) {
    const a = await call("PATCH", pathOf(id), p, {
      "Content-Type": "application/merge-patch+json",
    });
    console.log(
      "PATCH",
      what,
      a.status,
      a.body.code ?? a.body.kind,
      JSON.stringify(
        a.body.errors ?? a.body.warnings ?? a.body.detail ?? "",
      ).slice(0, 300),
    );
    if (a.status === 202) await end(a);
  }
});

test("PowerShell: S9's list as ConvertTo-Json writes it by default (depth 2)", async () => {
  const a = await call(
    "PUT",
    pathOf(seedVersionId("6.3.0")),
    plain([
      {
        Name: "West US",
        ReplicaCount: 1,
        Encryption: {
          OSDiskImage: "System.Collections.Hashtable",
          DataDiskImages: "System.Object[]",
        },
      },
    ]),
  );
  console.log(JSON.stringify(a.body.errors));
});

test("an alias for each id that an answer shows", async () => {
  const image = seedVersionId("6.0.0").split("/versions/")[0] ?? "";
  for (const path of [
    `${image}?api-version=2025-12-03`,
    `${image}/versions?api-version=2025-12-03`,
    `${image.split("/images/")[0]}?api-version=2025-12-03`,
  ]) {
    const a = await call("GET", path);
    console.log(
      "alias",
      path.split("/").slice(-2).join("/"),
      a.status,
      a.body.detail,
    );
  }
});

/** GET /versions, with its handler: what it finds, its pages and what they cost, mistakes, and roles. */
import { HttpRequest, InvocationContext, type HttpResponseInit } from "@azure/functions";
import { expect, test } from "vitest";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { overviewHandlers } from "../../../src/http/overview-handlers.js";
import type { FoundImageVersionView } from "../../../src/image-version/contract.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { queryImageVersions } from "../../../src/image-version/queries/query-versions.js";
import { revocationOf, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { storedImages } from "../../support/stored-images.js";
import { document, responseMistakes, validator } from "../../unit/http/contract/document.js";
import { MINUTE_MS } from "./drift/support.js";
import { made, patch, plain } from "./truth/support.js";

let world: InProcess;
let id: string;
inOwnWorld({ spread: 0, replicationMs: MINUTE_MS }, (given, versionId) => {
  world = given;
  id = versionId;
});

interface Answer {
  readonly value: readonly FoundImageVersionView[];
  readonly nextLink?: string;
  readonly errors?: readonly { readonly code: string; readonly pointer: string }[];
}

async function get(query = "", deps: Dependencies = world.deps, roles = ["ImageVersions.Read"]) {
  const handlers = overviewHandlers(
    createEndpoint({
      document,
      validator,
      authenticator: { authenticate: () => Promise.resolve({ appId: "reader", roles }) },
    }),
    deps,
    world.deps,
    () => Promise.resolve({}),
    revocationOf(world.deps).revocations,
    { peek: () => Promise.resolve([]), remove: () => Promise.resolve(false) },
  );
  const {
    status = 0,
    headers,
    body,
  } = (await handlers.queryImageVersions(
    new HttpRequest({ method: "GET", url: `https://sigil.example/api/versions${query}` }),
    new InvocationContext({ invocationId: "1", functionName: "test" }),
  )) as HttpResponseInit & { readonly headers: Record<string, string> };
  const answer = JSON.parse(body as string) as Answer;
  const type = headers["Content-Type"] ?? "";
  expect(responseMistakes("queryImageVersions", status, type, answer)).toEqual([]);
  return { status, ...answer };
}

test("finds what was requested from Sigil, as it was seen, by row or by record, without asking Azure", async () => {
  await made(world, id, plain(undefined, { tags: { team: "web" } }));
  const { resourceManager } = world.deps;
  const refused = (): never => expect.fail("Azure was asked");
  const deps: Dependencies = {
    ...world.deps,
    resourceManager: { ...resourceManager, getImageVersion: refused, listImageVersions: refused },
  };
  const { value } = await get("?tag=team=web", deps);
  expect(value).toMatchObject([
    { id, managedBy: "Sigil", provisioningState: "Succeeded", tags: { team: "web" } },
  ]);
  expect(value[0]?.latestIn).toEqual(value[0]?.regions.map(({ name }) => name));
  expect(value[0]?.seenTime).toBeDefined();
  await patch(world, id, { tags: { team: "db" } });
  await world.finish(id);
  expect((await get("?tag=team=web")).value).toEqual([]);
  expect((await get("?tag=team=db&image=no*")).value).toEqual([]);
  await patch(world, id, { tags: { team: "ops" } });
  await world.runDue();
  expect((await get("?latest=true", deps)).value).toMatchObject([{ id }]); // Its record is read.
});

test.each([
  ["?latest=maybe", "/query/latest"],
  ["?olderThan=60", "/query/olderThan"],
  ["?endOfLifeBefore=tomorrow", "/query/endOfLifeBefore"],
  ["?tag=team", "/query/tag"],
  ["?image=a/b", "/query/image"],
  ["?notIn=", "/query/notIn"],
  ["?top=201", "/query/top"],
  ["?attention=any", "/query/attention"],
])("%s is refused at %s", async (query, pointer) => {
  const { status, errors } = await get(query);
  expect(status).toBe(400);
  expect(errors).toMatchObject([{ pointer }]);
});

test("without a role there is no answer, nor with a page's token of another query", async () => {
  expect((await get("", world.deps, [])).status).toBe(403);
  const forged = await get(`?continuationToken=${Buffer.from("a").toString("base64url")}.b`);
  expect(forged.errors).toMatchObject([{ pointer: "/query/continuationToken" }]);
});

test("120 image definitions cost 121 pages of rows and no record; where rows have no copy, 500 records a page", async () => {
  const most = { top: 200, latest: true } as const;
  const images = await storedImages(120, 3);
  const { value, continuationToken } = await images.play(() =>
    queryImageVersions(images.deps, most),
  );
  expect(continuationToken).toBeUndefined();
  expect(value).toHaveLength(120);
  expect(images.takeCounts()).toMatchObject({ rowPages: 121, records: 0, listPages: 0, reads: 0 });

  const before = await storedImages(40, 30, { withDigests: false });
  const found: string[] = [];
  const records: number[] = [];
  let token: string | undefined;
  do {
    const page = await before.play(() => queryImageVersions(before.deps, most, token));
    records.push(before.takeCounts().records);
    found.push(...page.value.map((one) => one.id));
    token = page.continuationToken;
  } while (token !== undefined);
  expect(records).toEqual([480, 480, 240]);
  expect(new Set(found).size).toBe(40);
  expect(found).toHaveLength(40);
});

import { expect, test } from "vitest";
import { createArmClient } from "../../../../src/azure/arm/client.js";
import { createImageUsers } from "../../../../src/azure/arm/image-users.js";
import { namesOf, namesOfEvery } from "../../../../src/image-use/names.js";
import { refusal } from "../../../support/refusal.js";
import { onWire, refused, type Received, type WireServer } from "./wire-server.js";

let wire: WireServer;
onWire((given) => {
  wire = given;
});

const SUBSCRIPTION = "11111111-1111-1111-1111-111111111111";
const ID = {
  subscriptionId: SUBSCRIPTION,
  resourceGroupName: "Images",
  galleryName: "Golden",
  imageName: "Linux",
  versionName: "1.0.0",
};
const SHARED = { publicNames: ["it's"] };
const NAMES = namesOf(ID, SHARED);
const GRAPH = "POST /providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01";

interface Asked {
  readonly subscriptions: readonly string[];
  readonly query: string;
  readonly options: Record<string, unknown>;
}

const create = () => createImageUsers(createArmClient(wire.options()));
const asked = (): readonly Asked[] => wire.received.map(({ body }) => body as Asked);
const lineOf = ({ method, url }: Received): string => `${method} ${url}`;

function row(name: string, more: Record<string, unknown> = {}) {
  return {
    id: `/x/${name}`,
    type: "microsoft.compute/virtualmachines",
    location: "West US",
    image: NAMES.byNumber[0],
    exactVersion: "",
    ephemeral: false,
    rank: 1,
    ...more,
  };
}

/** Of the first table these pages, of the other nothing. */
function answers(...pages: readonly object[]) {
  return ({ body }: Received) => {
    const { query, options } = body as Asked;
    const page = Number(options["$skipToken"] ?? 0);
    return {
      status: 200,
      body: query.startsWith("resources") ? pages[page] : { data: [] },
    };
  };
}

test("asks each table in the words of Resource Graph, as JSON, with every name as a value", async () => {
  wire.reply = answers({ data: [] });
  await create().find([SUBSCRIPTION], NAMES);
  expect(wire.received.map(lineOf)).toEqual([GRAPH, GRAPH]);
  expect(asked().map(({ query }) => query.split("\n")[0])).toEqual([
    "resources",
    "computeresources",
  ]);
  for (const { subscriptions, query, options } of asked()) {
    expect(subscriptions).toEqual([SUBSCRIPTION]);
    expect(options).toEqual({ resultFormat: "objectArray", $top: 1_000 });
    expect(query).toContain(`'${NAMES.byNumber[0]}'`);
    expect(query).toContain("/communitygalleries/it\\'s/images/linux'");
  }
});

test("asks for those that need any version of a definition, whatever its number, by what all their names begin with", async () => {
  wire.reply = answers({ data: [] });
  await create().find([SUBSCRIPTION], namesOfEvery(ID, SHARED));
  expect(asked()).toHaveLength(2);
  for (const { query } of asked()) {
    expect(query).toContain(
      `where (isSet or ephemeral) and (image startswith '${NAMES.asLatest[0]}/versions/' or image startswith '/communitygalleries/it\\'s/images/linux/versions/' or `,
    );
    expect(query).not.toContain("1.0.0");
  }
});

test.each(["{{/subscriptions/x}}", "a\nb"])(
  "%j is no name, and is asked of nobody",
  async (name) => {
    const names = { ...NAMES, byNumber: [name] };
    await expect(create().find([SUBSCRIPTION], names)).rejects.toThrow(TypeError);
    expect(wire.received).toEqual([]);
  },
);

test("reads every page, of machines, instances and scale sets", async () => {
  wire.reply = answers(
    { data: [row("a", { exactVersion: "1.0.0" })], $skipToken: "1" },
    {
      data: [
        row("b", {
          type: "microsoft.compute/virtualmachinescalesets",
          ephemeral: true,
        }),
        row("c", {
          type: "microsoft.compute/virtualmachinescalesets/virtualmachines",
          ephemeral: 1,
        }),
      ],
      resultTruncated: "false",
    },
  );
  expect(await create().find([SUBSCRIPTION], NAMES)).toEqual({
    users: [
      {
        id: "/x/a",
        kind: "machine",
        region: "westus",
        image: NAMES.byNumber[0],
        exactVersion: "1.0.0",
        ephemeral: false,
      },
      expect.objectContaining({ kind: "scaleSet", ephemeral: true }),
      expect.objectContaining({ kind: "machine", ephemeral: true }),
    ],
    complete: true,
    needsSeen: true,
  });
});

test("stops after ten pages, and says so; and where Azure breaks off itself", async () => {
  wire.reply = answers(
    ...Array.from({ length: 20 }, (_, i) => ({
      data: [row(`vm${i}`)],
      $skipToken: String(i + 1),
    })),
  );
  const { users, ...found } = await create().find([SUBSCRIPTION], NAMES);
  expect(users).toHaveLength(10);
  expect(found).toEqual({ complete: false, needsSeen: true });
  wire.reply = answers({
    data: [row("a", { rank: 0 })],
    resultTruncated: "true",
  });
  // Who needs it comes first: of those there may be more.
  expect(await create().find([SUBSCRIPTION], NAMES)).toMatchObject({
    complete: false,
    needsSeen: false,
  });
});

test("asks of a hundred subscriptions at a time", async () => {
  wire.reply = answers({ data: [] });
  const ids = Array.from({ length: 101 }, (_, i) => `s${i}`);
  await create().find(ids, NAMES);
  expect(asked().map(({ subscriptions }) => subscriptions.length)).toEqual([100, 100, 1, 1]);
});

test("what is no answer of Resource Graph is no answer", async () => {
  wire.reply = { status: 200, body: { data: { columns: [], rows: [] } } };
  expect(await refusal(create().find([SUBSCRIPTION], NAMES))).toMatchObject({
    code: "ResourceManagerUnavailable",
    retryable: true,
  });
});

test("comes again when Resource Graph says so", async () => {
  wire.reply = {
    status: 429,
    headers: { "Retry-After": "25" },
    body: refused("RateLimiting"),
  };
  expect(await refusal(create().find([SUBSCRIPTION], NAMES))).toMatchObject({
    code: "ResourceManagerThrottled",
    retryAfterMs: 25_000,
  });
});

test("a subscription is readable whose machines and scale sets ARM lists", async () => {
  wire.reply = { status: 200, body: { value: [], nextLink: "https://x/y" } };
  await create().proveReadable(SUBSCRIPTION);
  const compute = `GET /subscriptions/${SUBSCRIPTION}/providers/Microsoft.Compute`;
  expect(wire.received.map(lineOf)).toEqual([
    `${compute}/virtualMachines?api-version=2026-04-01`,
    `${compute}/virtualMachineScaleSets?api-version=2026-04-01`,
  ]);
});

test.each([
  [403, "ResourceManagerForbidden"],
  [404, "NotFound"],
  [500, "ResourceManagerUnavailable"],
])("and not where it answers %i", async (status, code) => {
  wire.reply = ({ url }) =>
    url.includes("ScaleSets")
      ? { status, body: refused("No") }
      : { status: 200, body: { value: [] } };
  expect(await refusal(create().proveReadable(SUBSCRIPTION))).toMatchObject({
    code,
  });
});

test("a proof holds for a minute, and a refusal for nobody else", async () => {
  const users = create();
  wire.reply = { status: 403, body: refused("AuthorizationFailed") };
  await refusal(users.proveReadable(SUBSCRIPTION));
  wire.reply = { status: 200, body: { value: [] } };
  wire.received = [];
  await users.proveReadable(SUBSCRIPTION);
  await users.proveReadable(SUBSCRIPTION.toUpperCase());
  expect(wire.received).toHaveLength(2);
});

test("lists the scale sets that name the image, over all pages, whatever they name it by", async () => {
  const set = (name: string, imageReference: object | null) => ({
    id: `/x/${name}`,
    location: "East US 2",
    properties: {
      virtualMachineProfile: { storageProfile: { imageReference } },
    },
  });
  wire.reply = ({ url }) => ({
    status: 200,
    body: url.includes("page=2")
      ? {
          value: [
            set("d", { communityGalleryImageId: NAMES.asLatest[2] }),
            { id: "/x/e", location: "westus", properties: {} },
          ],
        }
      : {
          value: [
            set("a", { id: NAMES.byNumber[0]?.toUpperCase() }),
            set("b", { id: `${NAMES.asLatest[0]}/versions/9.0.0` }),
            set("c", { publisher: "canonical" }),
          ],
          nextLink: `${wire.endpoint}/x?page=2`,
        },
  });
  expect(await create().listScaleSets(SUBSCRIPTION, NAMES)).toMatchObject([
    { id: "/x/a", kind: "scaleSet", region: "eastus2" },
    { id: "/x/d", image: NAMES.asLatest[2] },
  ]);
  wire.reply = { status: 404, body: refused("SubscriptionNotFound") };
  expect(await refusal(create().listScaleSets(SUBSCRIPTION, NAMES))).toMatchObject({
    code: "NotFound",
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import path from "node:path";
import { runProgram } from "@sigil-local/testing/program";
import { expect, onTestFinished, test } from "vitest";
import { worldFrom } from "../src/world-file.js";
import { resourcesIn, seedWorld } from "../src/world.js";
import {
  COMPUTE,
  encryptedVersion,
  OTHER_SUBSCRIPTION,
  plainVersion,
  startForEach,
  submit,
  SUBSCRIPTION,
  type Harness,
} from "./harness.js";

let h: Harness;
startForEach((started) => (h = started));

const present = async (headers: Record<string, string> = {}) =>
  await fetch(`${h.simulator.endpoint}/simulator/world`, { headers });

test("GET /simulator/world gives the present world, and a new one begins with it", async () => {
  const gallery = { location: "westus", properties: {} };
  await h.call("PUT", `${COMPUTE}/galleries/Second`, { body: gallery });
  const text = await (await present()).text();
  const second = await h.start({ world: worldFrom(JSON.parse(text)) });
  expect(second.control.world()).toEqual(h.simulator.control.world());
  const galleries = second.control.resources().map(({ id }) => id);
  expect(galleries).toContain(`${COMPUTE}/galleries/Second`);
  await submit(h.clientFor(second), "1.0.0", encryptedVersion());
});

test("a world has two subscriptions, one of which is denied", async () => {
  const other = resourcesIn(OTHER_SUBSCRIPTION, "MyResourceGroup");
  const { subscriptions, resources } = seedWorld(SUBSCRIPTION);
  const world = worldFrom({
    subscriptions: [...subscriptions, { subscriptionId: OTHER_SUBSCRIPTION }],
    resources: [
      ...resources,
      other.group("westus"),
      other.gallery("MyGallery", "westus"),
      other.imageDefinition("MyGallery", "MyImage", "westus"),
      other.diskEncryptionSet("WestUS", "westus"),
    ],
  });
  const second = await h.start({ world });
  const action = "Microsoft.Compute/galleries/read";
  const scope = `/subscriptions/${OTHER_SUBSCRIPTION}`;
  await second.control.denyAction({ action, scope });
  const statusOf = async (id: string) =>
    (await h.call("GET", `${second.endpoint}${id}?api-version=2025-03-03`)).status;
  expect(await statusOf(other.id("galleries/MyGallery"))).toBe(403);
  expect(await statusOf(`${COMPUTE}/galleries/MyGallery`)).toBe(200);
  // A disk encryption set comes with its key and vault.
  const types = second.control.resources().filter(({ id }) => id.includes(OTHER_SUBSCRIPTION));
  expect(types.map(({ type }) => type)).toContain("Microsoft.KeyVault/vaults/keys");
  await submit(h.clientFor(second), "1.0.0", plainVersion());
});

const SUBSCRIPTIONS = [{ subscriptionId: SUBSCRIPTION }];
const GROUP = resourcesIn(SUBSCRIPTION, "MyResourceGroup").group("westus");

test.each([
  [{ subscriptions: SUBSCRIPTIONS }, "'resources' of a world must be a list."],
  [{ subscriptions: [], resources: [] }, "A world has at least one subscription."],
  [{ subscriptions: [{}], resources: [] }, "'subscriptionId' of subscription 0 must be"],
  [
    { subscriptions: [{ ...SUBSCRIPTIONS[0], name: "x" }], resources: [] },
    "subscription 0 has no member 'name'. It has: subscriptionId, ",
  ],
  [
    { subscriptions: SUBSCRIPTIONS, resources: [{ id: "x" }] },
    "resource 0 must be a JSON object with at least",
  ],
  [
    { subscriptions: SUBSCRIPTIONS, resources: [{ ...GROUP, location: "mars" }] },
    "'location' of resource 0 must be a region",
  ],
  [{ subscriptions: SUBSCRIPTIONS, resources: [GROUP, GROUP] }, `'${GROUP.id}' is there twice.`],
  [
    {
      subscriptions: SUBSCRIPTIONS,
      resources: [{ ...GROUP, id: GROUP.id.replace(SUBSCRIPTION, "other") }],
    },
    "is in none of the world's subscriptions.",
  ],
])("--world refuses %j", async (world, message) => {
  const folder = await mkdtemp(path.join(tmpdir(), "world-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, "world.json");
  await writeFile(file, JSON.stringify(world));
  const program = runProgram("arm-simulator/dist/main.js", ["--world", file]);
  expect(await program.exited).toBe(2);
  expect(program.stderr()).toContain(message);
});

test("a page in a browser may neither look nor change anything", async () => {
  const Origin = "https://contoso.com";
  const { endpoint, control } = h.simulator;
  const asked = { method: "POST", headers: { Origin }, body: "60000" };
  const changed = await fetch(`${endpoint}/simulator/setReplicationSpeed`, asked);
  expect([changed.status, (await present({ Origin })).status]).toEqual([403, 403]);
  expect(control.countRequests()).toBe(0);
});

const [outside] = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .filter(({ internal, family }) => !internal && family === "IPv4");

test.skipIf(outside === undefined)("it listens on loopback, unless told otherwise", async () => {
  const { port } = h.simulator;
  const asked = (at: number) =>
    fetch(`https://${outside?.address}:${at}/simulator`).catch((error: Error) => error.cause);
  expect(await asked(port)).toMatchObject({ code: "ECONNREFUSED" });
  const open = await h.start({ host: "0.0.0.0" });
  // It answers, and its certificate is for localhost alone.
  expect(await asked(open.port)).toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

import { expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { findUsers, needsVersion, usersOf } from "../../../src/image-use/look.js";
import { namesOf } from "../../../src/image-use/names.js";
import type { ImageUser, ImageUsers } from "../../../src/image-use/ports.js";

const OWN = "11111111-1111-1111-1111-111111111111";
const OTHER = "22222222-2222-2222-2222-222222222222";
const ID = {
  subscriptionId: OWN,
  resourceGroupName: "Images",
  galleryName: "Golden",
  imageName: "Linux",
  versionName: "1.0.0",
};
const DEFINITION = `/subscriptions/${OWN}/resourcegroups/images/providers/microsoft.compute/galleries/golden/images/linux`;
const VERSION = `${DEFINITION}/versions/1.0.0`;
const NAMES = namesOf(ID, {});

function user(given: Partial<ImageUser>): ImageUser {
  return {
    id: "/x",
    kind: "machine",
    region: "westus",
    image: VERSION,
    ephemeral: false,
    ...given,
  };
}

function users(
  found: readonly ImageUser[],
  refused: Readonly<Record<string, Error>> = {},
): ImageUsers & { readonly asked: string[][] } {
  const asked: string[][] = [];
  return {
    asked,
    find(subscriptionIds) {
      asked.push([...subscriptionIds]);
      return Promise.resolve({
        users: found,
        complete: true,
        needsSeen: true,
      });
    },
    proveReadable: (subscriptionId) =>
      refused[subscriptionId] === undefined
        ? Promise.resolve()
        : Promise.reject(refused[subscriptionId]),
    listScaleSets: (subscriptionId) =>
      Promise.resolve([user({ kind: "scaleSet", id: `/confirmed/${subscriptionId}` })]),
  };
}

function look(
  imageUsers: ImageUsers,
  consumerSubscriptions: readonly string[] = [OTHER],
  confirms = false,
) {
  const now = () => new Date("2026-01-01T00:00:00Z");
  return findUsers({ imageUsers, consumerSubscriptions, now }, OWN, NAMES, confirms);
}

test("an image is named by its number or as the latest, in its own and in each gallery that shares it", () => {
  expect(NAMES).toEqual({
    versionNames: ["1.0.0"],
    byNumber: [VERSION],
    asLatest: [DEFINITION, `${DEFINITION}/versions/latest`],
  });
  const shared = namesOf(ID, {
    uniqueName: `${OWN}-GOLDEN`,
    publicNames: ["Contoso-1"],
  });
  const direct = `/sharedgalleries/${OWN}-golden/images/linux`;
  const community = "/communitygalleries/contoso-1/images/linux";
  expect(shared.byNumber).toEqual([
    VERSION,
    `${direct}/versions/1.0.0`,
    `${community}/versions/1.0.0`,
  ]);
  expect(shared.asLatest).toEqual(
    expect.arrayContaining([
      direct,
      `${direct}/versions/latest`,
      community,
      `${community}/versions/latest`,
    ]),
  );
});

test.each<[string, Partial<ImageUser>, boolean]>([
  ["a machine by number", {}, true],
  ["a scale set by number", { kind: "scaleSet", region: "eastus2" }, true],
  ["a scale set by latest, there", { kind: "scaleSet", image: DEFINITION }, true],
  [
    "a scale set by latest, where it is another",
    { kind: "scaleSet", image: DEFINITION, region: "eastus2" },
    false,
  ],
  [
    "a scale set by latest that was made of it once",
    {
      kind: "scaleSet",
      image: DEFINITION,
      region: "eastus2",
      exactVersion: "1.0.0",
    },
    false,
  ],
  [
    "a machine that was made of it when it was the latest",
    { image: DEFINITION, region: "eastus2", exactVersion: "1.0.0" },
    true,
  ],
  [
    "a machine that was made of another when that was the latest",
    { image: DEFINITION, exactVersion: "0.9.0" },
    false,
  ],
  ["a machine by latest of which Azure says no number", { image: DEFINITION }, true],
])("%s", (_, given, isUsed) => {
  const found = usersOf({ users: [user(given)] }, NAMES, ["westus"]);
  expect(found).toHaveLength(isUsed ? 1 : 0);
});

test("what is confirmed are the scale sets of each subscription, as Azure Resource Manager has them", async () => {
  const { users: found } = await look(
    users([user({ kind: "scaleSet", id: "/gone" }), user({ id: "/vm" })]),
    [OTHER],
    true,
  );
  expect(found.map(({ id }) => id)).toEqual([`/confirmed/${OWN}`, `/confirmed/${OTHER}`, "/vm"]);
});

test("scale sets and ephemeral disks need the version, other machines do not", () => {
  expect(
    [user({ kind: "scaleSet" }), user({ ephemeral: true }), user({})].map(needsVersion),
  ).toEqual([true, true, false]);
});

test("each subscription is asked once, the gallery's own first, whatever the case", async () => {
  const imageUsers = users([]);
  const use = await look(imageUsers, [OTHER, OWN.toUpperCase(), OTHER]);
  expect(use.subscriptions).toEqual([OWN, OTHER]);
  expect(imageUsers.asked).toEqual([[OWN, OTHER]]);
  expect(use).toMatchObject({
    notSeen: [],
    complete: true,
    time: "2026-01-01T00:00:00.000Z",
  });
});

test("what cannot be read is not seen, and not asked of Resource Graph; the others are", async () => {
  const refusal = new ServiceError("ResourceManagerForbidden", "No.");
  const imageUsers = users([user({})], { [OTHER]: refusal });
  const use = await look(imageUsers);
  expect(use.notSeen).toEqual([
    { subscriptionId: OTHER, code: "ResourceManagerForbidden", message: "No." },
  ]);
  expect(imageUsers.asked).toEqual([[OWN]]);
  expect(use.users).toHaveLength(1);
});

test("where nothing can be read nothing is asked, and all of it is not seen", async () => {
  const refusal = new ServiceError("NotFound", "No.");
  const imageUsers = users([], { [OTHER]: refusal, [OWN]: refusal });
  const use = await look(imageUsers);
  expect(use.notSeen.map(({ subscriptionId }) => subscriptionId)).toEqual([OWN, OTHER]);
  expect(imageUsers.asked).toEqual([]);
});

test("a query that Azure refuses sees nothing", async () => {
  const imageUsers = {
    ...users([]),
    find: () => Promise.reject(new ServiceError("ResourceManagerForbidden", "No.")),
  };
  const { notSeen } = await look(imageUsers);
  expect(notSeen.map(({ subscriptionId }) => subscriptionId)).toEqual([OWN, OTHER]);
});

test.each(["proof", "query"])(
  "a %s that may be answered later is asked again, and not said to be unseen",
  async (what) => {
    const throttled = new ServiceError("ResourceManagerThrottled", "Later.", {
      retryAfterMs: 1_000,
    });
    const imageUsers =
      what === "proof"
        ? users([], { [OTHER]: throttled })
        : { ...users([]), find: () => Promise.reject(throttled) };
    await expect(look(imageUsers)).rejects.toBe(throttled);
  },
);

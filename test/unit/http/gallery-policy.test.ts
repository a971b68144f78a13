import { describe, expect, it } from "vitest";
import {
  mayWrite,
  requireMayWrite,
  writeTargetOf,
  type Caller,
  type GalleryPattern,
  type GalleryPolicy,
} from "../../../src/http/gallery-policy.js";
import { parseGalleryPolicy } from "../../../src/http/gallery-policy-document.js";

const SUBSCRIPTION = "0a000000-0000-0000-0000-000000000000";
const TARGET = {
  subscriptionId: SUBSCRIPTION,
  resourceGroupName: "images-prod",
  galleryName: "Golden_1",
};
const ANY = { subscriptionId: "*" };
const APP: Caller = {
  appId: "app-1",
  objectId: "object-1",
  roles: ["ImageVersions.Write", "Linux"],
};
const QUEUE: Caller = { queue: "image-version-requests" };

const policy = (
  callers: GalleryPolicy["rules"][number]["callers"],
  ...galleries: GalleryPattern[]
): GalleryPolicy => ({ rules: [{ callers, galleries }] });

describe("without a policy", () => {
  it.each([[APP], [QUEUE]])("%j may write everywhere", (caller) => {
    expect(mayWrite(undefined, caller, TARGET)).toBe(true);
  });
});

describe("a policy without rules", () => {
  it.each([[APP], [QUEUE]])("lets %j write nowhere", (caller) => {
    expect(mayWrite({ rules: [] }, caller, TARGET)).toBe(false);
  });
});

describe("a caller", () => {
  it.each([
    [{ appId: "APP-1" }, APP, true],
    [{ appId: "app-2" }, APP, false],
    [{ appId: "object-1" }, APP, false],
    [{ objectId: "object-1" }, APP, true],
    [{ objectId: "app-1" }, APP, false],
    [{ role: "Linux" }, APP, true],
    [{ role: "linux" }, APP, false],
    [{ queue: "image-version-requests" }, QUEUE, true],
    [{ queue: "image-version-requests" }, APP, false],
    [{ queue: "other" }, QUEUE, false],
    [{ role: "Linux" }, QUEUE, false],
    [{ appId: "app-1" }, { roles: [] }, false],
    [{ objectId: "undefined" }, { roles: [] }, false],
  ] as const)("%j is %j: %s", (pattern, caller, expected) => {
    expect(mayWrite(policy([pattern], ANY), caller, TARGET)).toBe(expected);
  });

  it("may be any of several", () => {
    const callers = [{ appId: "app-2" }, { role: "Linux" }];
    expect(mayWrite(policy(callers, ANY), APP, TARGET)).toBe(true);
  });
});

describe("a gallery", () => {
  it.each([
    [{ subscriptionId: SUBSCRIPTION.toUpperCase() }, true],
    [{ subscriptionId: "0b000000-0000-0000-0000-000000000000" }, false],
    [{ ...ANY, resourceGroupName: "IMAGES-*" }, true],
    [{ ...ANY, resourceGroupName: "images" }, false],
    [{ ...ANY, resourceGroupName: "*prod" }, true],
    [{ ...ANY, resourceGroupName: "*pro" }, false],
    [{ ...ANY, galleryName: "golden_1" }, true],
    [{ ...ANY, galleryName: "g*_*1" }, true],
    [{ ...ANY, galleryName: "**" }, true],
    [{ ...ANY, galleryName: "golden_1*" }, true],
    [{ ...ANY, galleryName: "golden_1*1" }, false],
    [{ ...ANY, galleryName: "gol*lden_1" }, false],
    [{ ...ANY, galleryName: "g.lden_1" }, false],
    [{ ...ANY, galleryName: "g*x*1" }, false],
    [{ ...ANY, resourceGroupName: "images-*", galleryName: "other" }, false],
  ])("%j is the target: %s", (pattern, expected) => {
    expect(mayWrite(policy([{ role: "Linux" }], pattern), APP, TARGET)).toBe(
      expected,
    );
  });

  it("of other letters that fold to the same is another", () => {
    const rule = policy([{ role: "Linux" }], { ...ANY, galleryName: "kiosk" });
    for (const galleryName of ["\u212Aiosk", "kio\u017Fk"])
      expect(mayWrite(rule, APP, { ...TARGET, galleryName })).toBe(false);
  });

  it("of a rule for another caller is not allowed", () => {
    const rules = [
      ...policy([{ appId: "app-1" }], { ...ANY, galleryName: "mine" }).rules,
      ...policy([{ appId: "app-2" }], { ...ANY, galleryName: "golden_1" })
        .rules,
    ];
    expect(mayWrite({ rules }, APP, TARGET)).toBe(false);
  });

  it("lets what its subscription shares be written to, and no other subscription's", () => {
    const rule = policy([{ role: "Linux" }], {
      subscriptionId: SUBSCRIPTION,
      galleryName: "golden*",
    });
    expect(mayWrite(rule, APP, { subscriptionId: SUBSCRIPTION })).toBe(true);
    expect(
      mayWrite(rule, APP, {
        subscriptionId: "0b000000-0000-0000-0000-000000000000",
      }),
    ).toBe(false);
  });

  it("with many stars is judged at once", () => {
    const rule = policy([{ role: "Linux" }], {
      ...ANY,
      galleryName: "*a".repeat(40),
    });
    expect(
      mayWrite(rule, APP, { ...TARGET, galleryName: `${"a".repeat(79)}b` }),
    ).toBe(false);
  });
});

describe("requireMayWrite", () => {
  const ID = `/subscriptions/${SUBSCRIPTION}`;
  it.each([
    [
      APP,
      TARGET,
      `This caller may not write to ${ID}/resourceGroups/images-prod/providers/Microsoft.Compute/galleries/Golden_1: no rule`,
    ],
    [
      QUEUE,
      TARGET,
      `Messages of the queue image-version-requests may not write to ${ID}/resourceGroups/`,
    ],
    [APP, { subscriptionId: SUBSCRIPTION }, `may not write to ${ID}: no rule`],
  ])("names the target of %j", (caller, target, message) => {
    expect(() => requireMayWrite({ rules: [] }, caller, target)).toThrow(
      expect.objectContaining({
        code: "Forbidden",
        retryable: false,
        message: expect.stringContaining(message) as string,
      }),
    );
    requireMayWrite(undefined, caller, target);
  });
});

describe("writeTargetOf", () => {
  it("an operation's resource is its gallery, or its subscription", () => {
    const id = `/subscriptions/${SUBSCRIPTION}`;
    expect(
      writeTargetOf(
        `${id}/resourceGroups/images-prod/providers/Microsoft.Compute/galleries/Golden_1/images/i/versions/1.0.0`,
      ),
    ).toMatchObject(TARGET);
    expect(writeTargetOf(id)).toEqual({ subscriptionId: SUBSCRIPTION });
    expect(() => writeTargetOf("/none")).toThrow("/none is in no subscription");
  });
});

describe("a policy document", () => {
  const RULE = {
    callers: [{ appId: "app-1" }, { queue: "image-version-requests" }],
    galleries: [{ subscriptionId: SUBSCRIPTION, galleryName: "golden*" }],
  };

  it("is read as it is, and frozen", () => {
    const read = parseGalleryPolicy(
      JSON.stringify({ $schema: "policy.json", rules: [RULE] }),
    );
    expect(read).toEqual({
      policy: { $schema: "policy.json", rules: [RULE] },
    });
    const { rules } = (read as { policy: GalleryPolicy }).policy;
    expect(Object.isFrozen(rules[0]?.callers[0])).toBe(true);
  });

  it.each<[string, unknown, string[]]>([
    [
      "no object",
      [],
      ["Must be an object, is an array. A gallery policy has rules."],
    ],
    [
      "no rules",
      {},
      [
        "/rules: `rules` is missing. A write is allowed when one rule allows it.",
      ],
    ],
    [
      "a caller by nothing, and one by two",
      { rules: [{ ...RULE, callers: [{}, { appId: "a", role: "b" }] }] },
      [
        "/rules/0/callers/0: The value must NOT have fewer than 1 properties. A caller is given by one of appId, objectId, role and queue.",
        "/rules/0/callers/1: May have at most 1 entries. A caller is given by one of appId, objectId, role and queue.",
      ],
    ],
    [
      "mistakes in several places",
      {
        rules: [
          {
            callers: [{ appid: "a" }],
            galleries: [
              {
                subscriptionId: "0000*",
                resourceGroupName: "a/b",
                galleryName: "..%2f",
              },
            ],
          },
          { ...RULE, galleries: [], callers: [{ queue: "other" }] },
        ],
      },
      [
        "/rules/0/callers/0/appid: `appid` is not known here. Did you mean `appId`?",
        "/rules/0/galleries/0/subscriptionId: The form is wrong. Example: `00000000-0000-0000-0000-000000000000`. A subscription id is a GUID, or * for any.",
        "/rules/0/galleries/0/resourceGroupName: The form is wrong. Example: `images-*`. The name of a resource group, with * for any characters.",
        "/rules/0/galleries/0/galleryName: The form is wrong. Example: `golden*`. The name of a gallery, with * for any characters.",
        "/rules/1/callers/0/queue: `other` is not one of `image-version-requests`.",
        "/rules/1/galleries: Must have at least 1 item. What they may write to.",
      ],
    ],
  ])("with %s is told what is wrong", (_, value, mistakes) => {
    expect(parseGalleryPolicy(JSON.stringify(value))).toEqual({ mistakes });
  });

  it.each([
    ["", "line 1, column 1: the text ends where a value is expected"],
    [
      '{"rules":[],\n"rules":[]}',
      'line 2, column 1: the name "rules" is given twice',
    ],
  ])("that is not JSON is told where: %j", (text, mistake) => {
    expect(parseGalleryPolicy(text)).toEqual({ mistakes: [mistake] });
  });
});

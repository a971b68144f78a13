import { describe, expect, it } from "vitest";
import {
  mayWrite,
  requireMayUse,
  requireMayWrite,
  writeTargetOf,
  type Caller,
  type GalleryPattern,
  type GalleryPolicy,
} from "../../../src/authorization/gallery-policy.js";
import type { ServiceError } from "../../../src/errors.js";
import { parseGalleryPolicy } from "../../../src/config/gallery-policy-document.js";
import { type Named, naming } from "../../support/naming.js";

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
    expect(mayWrite(policy([{ role: "Linux" }], pattern), APP, TARGET)).toBe(expected);
  });

  it("of other letters that fold to the same is another", () => {
    const rule = policy([{ role: "Linux" }], { ...ANY, galleryName: "kiosk" });
    for (const galleryName of ["\u212Aiosk", "kio\u017Fk"])
      expect(mayWrite(rule, APP, { ...TARGET, galleryName })).toBe(false);
  });

  it("of a rule for another caller is not allowed", () => {
    const rules = [
      ...policy([{ appId: "app-1" }], { ...ANY, galleryName: "mine" }).rules,
      ...policy([{ appId: "app-2" }], { ...ANY, galleryName: "golden_1" }).rules,
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
    expect(mayWrite(rule, APP, { ...TARGET, galleryName: `${"a".repeat(79)}b` })).toBe(false);
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
    [QUEUE, TARGET, `image-version-requests may not write to ${ID}/resourceGroups/`],
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

describe("requireMayUse", () => {
  const OTHER = "0b000000-0000-0000-0000-000000000000";
  const resource = (path: string, subscription = SUBSCRIPTION) =>
    `/subscriptions/${subscription}/resourceGroups/Build-1/providers/${path}`;
  const MACHINE = resource("Microsoft.Compute/virtualMachines/builder-7");
  const VERSION = resource("Microsoft.Compute/galleries/Base/images/i/versions/1.0.0");
  const SET = resource("Microsoft.Compute/diskEncryptionSets/des-1");
  const GALLERY = `/subscriptions/${SUBSCRIPTION}/resourceGroups/images-prod/providers/Microsoft.Compute/galleries/Golden_1`;
  const source = (id: string) => ({
    kind: "sources" as const,
    pointer: "/p",
    id,
  });
  const set = (id: string) => ({
    kind: "diskEncryptionSets" as const,
    pointer: "/q",
    id,
  });
  type Rule = GalleryPolicy["rules"][number];
  const rule = (more: Partial<Rule>): Rule => ({
    callers: [{ appId: "app-1" }],
    galleries: [TARGET],
    ...more,
  });
  /** Pointers and codes of what is refused. */
  const refused = (
    rules: GalleryPolicy["rules"],
    resources: Parameters<typeof requireMayUse>[3],
    caller: Caller = APP,
  ): readonly string[] => {
    try {
      requireMayUse({ rules }, caller, TARGET, resources);
    } catch (error) {
      expect(error).toMatchObject({
        code: "Forbidden",
        retryable: false,
        fields: { target: GALLERY },
      });
      return (error as ServiceError).findings.map(({ code, pointer }) => `${code} ${pointer}`);
    }
    return [];
  };
  const SOURCE_REFUSED = ["SourceNotAllowed /p"];
  const SET_REFUSED = ["DiskEncryptionSetNotAllowed /q"];

  it("without a policy, and where a rule leaves them out, lets anything be used", () => {
    const all = [source(MACHINE), source("CommunityGalleries/x"), set(SET)];
    requireMayUse(undefined, APP, TARGET, all);
    expect(refused([rule({})], all)).toEqual([]);
  });

  it.each([
    [{ subscriptionId: "*" }, MACHINE, true],
    [{ subscriptionId: SUBSCRIPTION.toUpperCase() }, MACHINE, true],
    [{ subscriptionId: OTHER }, MACHINE, false],
    [{ subscriptionId: "*", resourceGroupName: "BUILD-*" }, MACHINE, true],
    [{ subscriptionId: "*", resourceGroupName: "build" }, MACHINE, false],
    [{ subscriptionId: "*", name: "Builder-*" }, MACHINE, true],
    [{ subscriptionId: "*", name: "builder" }, MACHINE, false],
    [{ subscriptionId: "*", name: "builder-*" }, MACHINE.slice(1), true],
    [{ subscriptionId: "*", name: "base" }, VERSION, true],
    [{ subscriptionId: "*", name: "i" }, VERSION, false],
    // What is in no subscription is no resource that a rule names.
    [{ subscriptionId: "*" }, "/CommunityGalleries/x/Images/i", false],
    [{ subscriptionId: "*" }, "https://theirs.blob.core.windows.net/x", false],
    [{ subscriptionId: "*" }, `${MACHINE}/../other`, false],
  ])("%j lets %s be published: %s", (pattern, id, allowed) => {
    expect(refused([rule({ sources: [pattern] })], [source(id)])).toEqual(
      allowed ? [] : SOURCE_REFUSED,
    );
  });

  it("knows sources and sets apart", () => {
    const rules = [
      rule({
        sources: [{ subscriptionId: OTHER }],
        diskEncryptionSets: [{ subscriptionId: SUBSCRIPTION }],
      }),
    ];
    expect(refused(rules, [source(MACHINE), set(SET)])).toEqual(SOURCE_REFUSED);
    const others = [rule({ diskEncryptionSets: [{ subscriptionId: OTHER }] })];
    expect(refused(others, [source(MACHINE), set(SET)])).toEqual(SET_REFUSED);
  });

  it.each([
    [{ subscriptionId: SUBSCRIPTION }, true],
    [{ subscriptionId: OTHER }, false],
    [{ subscriptionId: "*", resourceGroupName: "net", name: "VNET-*" }, true],
    [{ subscriptionId: "*", name: "machines" }, false],
  ])("%j lets test machines into a subnet: %s", (pattern, allowed) => {
    const id = `/subscriptions/${SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/vnet-1/subnets/machines`;
    const subnet = { kind: "subnets", pointer: "/p", id } as const;
    expect(refused([rule({ subnets: [pattern] })], [subnet])).toEqual(
      allowed ? [] : ["SubnetNotAllowed /p"],
    );
  });

  it("an empty list allows nothing", () => {
    expect(refused([rule({ sources: [] })], [source(MACHINE)])).toEqual(SOURCE_REFUSED);
  });

  it("what another caller or gallery may use is not this one's", () => {
    const narrow = rule({ sources: [{ subscriptionId: OTHER }] });
    const wide = { sources: [{ subscriptionId: "*" }] };
    for (const other of [
      rule({ ...wide, callers: [{ appId: "app-2" }] }),
      rule({ ...wide, galleries: [{ ...TARGET, galleryName: "other" }] }),
    ])
      expect(refused([narrow, other], [source(MACHINE)])).toEqual(SOURCE_REFUSED);
    // Rules for this caller and gallery add up.
    expect(refused([narrow, rule(wide)], [source(MACHINE)])).toEqual([]);
  });

  it("names each refused resource, and the queue that a message came by", () => {
    const rules = [rule({ callers: [QUEUE], sources: [] })];
    expect(() => requireMayUse({ rules }, QUEUE, TARGET, [source(MACHINE), set(SET)])).toThrow(
      expect.objectContaining({
        findings: [
          {
            code: "SourceNotAllowed",
            pointer: "/p",
            severity: "error",
            message: naming([MACHINE, GALLERY]),
            remediation: expect.stringContaining("`sources`") as string,
          },
        ],
      }),
    );
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
    expect(() => writeTargetOf("/none")).toThrow("/none");
  });
});

describe("a policy document", () => {
  const RULE = {
    callers: [{ appId: "app-1" }, { queue: "image-version-requests" }],
    galleries: [{ subscriptionId: SUBSCRIPTION, galleryName: "golden*" }],
  };

  it("is read as it is, and frozen", () => {
    const read = parseGalleryPolicy(JSON.stringify({ $schema: "policy.json", rules: [RULE] }));
    expect(read).toEqual({
      policy: { $schema: "policy.json", rules: [RULE] },
    });
    const { rules } = (read as { policy: GalleryPolicy }).policy;
    expect(Object.isFrozen(rules[0]?.callers[0])).toBe(true);
  });

  it.each<[string, unknown, Named[]]>([
    ["no object", [], [["array", "rules"]]],
    ["no rules", {}, [["/rules", "rules"]]],
    [
      "a caller by nothing, and one by two",
      { rules: [{ ...RULE, callers: [{}, { appId: "a", role: "b" }] }] },
      [
        ["/rules/0/callers/0", "1"],
        ["/rules/0/callers/1", "1"],
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
        "/rules/0/callers/0/appid: `appid` is unknown. Did you mean `appId`?",
        ["/rules/0/galleries/0/subscriptionId", "00000000-0000-0000-0000-000000000000"],
        ["/rules/0/galleries/0/resourceGroupName", "images-*"],
        ["/rules/0/galleries/0/galleryName", "golden*"],
        "/rules/1/callers/0/queue: `other` is not one of `image-version-requests`.",
        ["/rules/1/galleries", "1"],
      ],
    ],
  ])("with %s is told what is wrong", (_, value, mistakes) => {
    expect(parseGalleryPolicy(JSON.stringify(value))).toEqual({ mistakes: mistakes.map(naming) });
  });

  it("may name sources and disk encryption sets", () => {
    const limited = {
      ...RULE,
      sources: [{ subscriptionId: "*", resourceGroupName: "b*", name: "c.-*" }],
      diskEncryptionSets: [],
    };
    expect(parseGalleryPolicy(JSON.stringify({ rules: [limited] }))).toEqual({
      policy: { rules: [limited] },
    });
    expect(
      parseGalleryPolicy(
        JSON.stringify({
          rules: [
            {
              ...RULE,
              sources: [{ name: "a/b" }],
              diskEncryptionSets: [{ subscriptionId: "x", galleryName: "g" }],
            },
          ],
        }),
      ),
    ).toEqual({
      mistakes: [
        naming(["/rules/0/sources/0/subscriptionId", "subscriptionId"]),
        naming(["/rules/0/sources/0/name", "golden*"]),
        "/rules/0/diskEncryptionSets/0/galleryName: `galleryName` is unknown. Known names: `subscriptionId`, `resourceGroupName`, `name`.",
        naming([
          "/rules/0/diskEncryptionSets/0/subscriptionId",
          "00000000-0000-0000-0000-000000000000",
        ]),
      ],
    });
  });

  it.each([
    ["", "line 1, column 1: the text ends where a value is expected"],
    ['{"rules":[],\n"rules":[]}', 'line 2, column 1: the name "rules" is given twice'],
  ])("that is not JSON is told where: %j", (text, mistake) => {
    expect(parseGalleryPolicy(text)).toEqual({ mistakes: [mistake] });
  });
});

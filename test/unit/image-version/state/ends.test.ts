import { describe, expect, it } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import { ALLOW_DELETION } from "../../../../src/image-version/properties/table.js";
import type { Look } from "../../../../src/image-version/resources.js";
import type { VersionRequest } from "../../../../src/image-version/state/record.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  accepted,
  applied,
  at,
  changeOf,
  COMPLETED,
  eventsOf,
  lookOf,
  beside as asking,
  putOf,
  REPLICATING,
  replicating,
  step,
  succeeded,
  time,
  toldOf,
  withRecord,
} from "../../../support/transitions.js";
import { see } from "../../../../src/image-version/telling/tell.js";
import { naming } from "../../../support/naming.js";

const A = "/tags/a";
const EAST = regionField("eastus2");
const shows = (changes: Patch = {}, regions: Parameters<typeof lookOf>[1] = COMPLETED) =>
  lookOf("Succeeded", regions, { changes });
const failed = (regions: Parameters<typeof lookOf>[1], state = "Failed") => lookOf(state, regions);

/** An update of a version that is ready was sent, and ARM has accepted it. */
function updating(patch: Patch, more: Partial<VersionRequest> = {}) {
  const pair = asking(succeeded(), changeOf(patch, more), {}, at(1_000));
  return step(pair, shows(), at(1_000)).pair;
}
const endOf = (pair: ReturnType<typeof updating>, look: Look | undefined, seconds: number) =>
  see(pair, look, at(seconds)).operation;

it("what was created and is never shown is created for the next who asks", () => {
  const whole = managedImageRequest();
  const again = asking(replicating(), putOf(whole), {}, at(700));
  const unseen = step(again, undefined, at(710)).pair;
  const { pair, put } = step(unseen, undefined, at(1_400));
  expect(put?.sentFor).toEqual([again.accepted.id]);
  expect(pair.record.state).toBe("Replicating");
});

describe("an operation is applied once a fact shows all that it asks (1)", () => {
  it("for good: its regions alone decide from then on", () => {
    const { record } = applied();
    const [request] = Object.values(record.requests);
    expect(request?.appliedTime).toBe(time(10));
    const changed = step(
      { ...applied(), record },
      shows({ [A]: "portal" }, REPLICATING),
      at(1_000),
    );
    expect(changed.pair.operation.status).toBe("Running");
  });

  it("not while the write under way is to make it otherwise (2)", () => {
    const pair = asking(updating({ [A]: "1" }), changeOf({ [A]: null }), {}, at(1_010));
    const before = step(pair, shows(), at(1_020)).pair;
    expect(Object.keys(before.record.requests)).toHaveLength(2);
  });

  it("and what its whole body says is Sigil's from then on", () => {
    expect(applied().record.spec).toMatchObject({
      "/location": "westus",
      [`${EAST}/name`]: "eastus2",
    });
  });

  it("also what Azure had before, and of a patch nothing but what it says", () => {
    const whole = managedImageRequest();
    const specAfter = (more: Partial<VersionRequest>) => {
      const base = withRecord(succeeded(), { spec: {} });
      const asked = changeOf({ [A]: "1" }, { body: whole, ...more });
      const pair = asking(base, asked, {}, at(1_000));
      const sent = step(pair, shows(), at(1_000)).pair;
      return step(sent, shows({ [A]: "1" }), at(1_020)).pair.record.spec;
    };
    expect(specAfter({})).toEqual({ [A]: "1" });
    expect(specAfter({ adopts: true })).toMatchObject({
      [A]: "1",
      "/location": "westus",
      [`${EAST}/name`]: "eastus2",
    });
  });

  it("a removal, once ARM may remove no other", () => {
    const removal = asking(succeeded(), changeOf({ [EAST]: null }), {}, at(1_000));
    const sent = step(removal, shows(), at(1_000));
    const open = step(sent.pair, shows({ [EAST]: null, [ALLOW_DELETION]: true }), at(1_020));
    expect(open.put?.changes).toEqual({ [ALLOW_DELETION]: false });
    const shut = step(open.pair, shows({ [EAST]: null }), at(1_040));
    expect(shut.pair.operation).toMatchObject({ status: "Succeeded" });
    expect(eventsOf(shut.pair).filter(({ type }) => type.endsWith("RegionRemoved"))).toMatchObject([
      { data: { region: "eastus2" } },
    ]);
  });
});

it("a request that has no body makes nothing Sigil's", () => {
  const { spec: _, ...record } = succeeded().record;
  const release = { kind: "include", by: "person" } as const;
  const base = { ...succeeded(), record };
  const promoted = asking(base, { patch: {}, release }, {}, at(1_000));
  const { pair } = step(promoted, shows(), at(1_000));
  expect(pair.operation.status).toBe("Succeeded");
  expect(pair.record.spec).toBeUndefined();
});

it("the removal of a region that others have removed before it was sent is done, and is not Sigil's", () => {
  const removal = asking(succeeded(), changeOf({ [EAST]: null }), {}, at(2_000));
  const { pair } = step(removal, shows({ [EAST]: null }), at(2_000));
  expect(pair.operation.status).toBe("Succeeded");
  expect(toldOf(pair).map((id) => id.replace(/\/[0-9a-f]{16}$/u, ""))).toEqual([
    "2/outside",
    "2/eastus2/lost",
    "2/completed",
  ]);
});

it("a region that another caller adds is kept as the version is first seen", () => {
  const adds = changeOf({ [`${regionField("uksouth")}/name`]: "uksouth" });
  const { record } = step(
    asking(replicating(), adds),
    lookOf("Creating", REPLICATING),
    at(10),
  ).pair;
  expect(record.regions.map(({ name }) => name)).toContain("uksouth");
});

describe("it is Succeeded only if it is applied, and each of its regions is Completed (2)", () => {
  it("not while one replicates", () => {
    expect(applied().operation.status).toBe("Running");
    const further = { ...REPLICATING, westus: ["Replicating", 50] } as const;
    const { pair } = step(applied(), shows({}, further), at(30));
    expect(eventsOf(pair)).toMatchObject([
      {
        type: "Sigil.ImageVersion.RegionReplicating",
        data: { region: "westus", progress: 50 },
      },
    ]);
  });

  it("once all are", () => {
    expect(succeeded().operation).toMatchObject({ status: "Succeeded" });
    expect(toldOf(step(replicating(), shows(), at(10)).pair)).toEqual([
      "1/westus/completed",
      "1/eastus2/completed",
      "1/completed",
    ]);
  });

  it("an update of no region, once Azure shows it", () => {
    expect(endOf(updating({ [A]: "1" }), shows({ [A]: "1" }), 1_020).status).toBe("Succeeded");
  });

  it("and says in which other regions the version is not usable", () => {
    const look = (changes: Patch = {}) =>
      lookOf("Failed", { ...COMPLETED, eastus2: ["Failed", 10] }, { changes });
    const first = step(replicating(), look(), at(10)).pair;
    const base = step(first, look(), at(250)).pair;
    const pair = asking(base, changeOf({ [A]: "1" }), {}, at(1_000));
    const sent = step(pair, look(), at(1_000)).pair;
    const { operation } = step(sent, look({ [A]: "1" }), at(1_020)).pair;
    expect(operation.status).toBe("Succeeded");
    expect(operation.history.at(-1)?.message).toContain(
      "It is not usable in eastus2, which this operation does not name",
    );
  });

  it("not where ARM has given the version up, though each region has its copy", () => {
    const first = step(replicating(), failed(COMPLETED), at(10)).pair;
    expect(first.operation).toMatchObject({
      status: "Failed",
      error: { code: "ReplicationFailed" },
    });
  });

  it("it is Failed once a second look shows a region Failed that is not repaired", () => {
    const look = failed({ ...COMPLETED, eastus2: ["Failed", 10, "No room."] });
    const first = step(replicating(), look, at(10)).pair;
    expect(first.operation.status).toBe("Running");
    const { operation } = step(first, look, at(250)).pair;
    expect(operation.error?.message).toEqual(naming(["eastus2"]));
    expect(operation.error?.errors[0]?.message).toBe("Replication to eastus2 failed: No room.");
  });

  it("a region's failure is in the history of the operations that have the region", () => {
    const look = failed({ ...COMPLETED, eastus2: ["Failed", 10] });
    const pace = { repairAttempts: 1 };
    const both = asking(applied(), changeOf({ [A]: "1" }));
    const first = step(both, look, at(20, pace)).pair;
    const { operation, record } = step(first, look, at(260, pace)).pair;
    const linesOf = ({ history }: typeof operation) =>
      history.filter(({ message }) => message.startsWith("eastus2 failed"));
    expect(linesOf(operation)).toHaveLength(1);
    expect(record.members).toHaveLength(1);
    expect(record.members.flatMap(linesOf)).toEqual([]);
  });

  it("it waits for the repair of a region that has failed", () => {
    const pace = { repairAttempts: 1 };
    const look = failed({ ...COMPLETED, eastus2: ["Failed", 10] });
    const first = step(replicating(), look, at(10, pace)).pair;
    const { pair } = step(first, look, at(250, pace));
    expect(pair.operation.status).toBe("Running");
    expect(pair.record.repairs).toEqual({
      eastus2: { attempts: 0, dueTime: time(550) },
    });
  });
});

describe("where others were there it ends Failed, and nothing is written over (3)", () => {
  it("a value that it did not send and that was not there before", () => {
    const { pair, put } = step(updating({ [A]: "1" }), shows({ [A]: "portal" }), at(2_000));
    expect(pair.operation).toMatchObject({
      status: "Failed",
      error: { code: "ChangedOutside" },
    });
    expect(put).toBeUndefined();
  });

  it("nor over what others have made of a version before its first look", () => {
    const tagged = { ...managedImageRequest(), tags: { a: "1" } };
    const look = lookOf("Succeeded", COMPLETED, {
      body: tagged,
      changes: { [A]: "portal" },
    });
    const { pair, put } = step(step(replicating(tagged), look, at(10)).pair, look, at(250));
    expect(put).toBeUndefined();
    expect(pair.operation.error?.code).toBe("ChangedOutside");
  });

  it("not where others have changed another field", () => {
    const { operation } = step(
      updating({ [A]: "1" }),
      shows({ [A]: "1", "/tags/b": "portal" }),
      at(2_000),
    ).pair;
    expect(operation.status).toBe("Succeeded");
  });

  it("one of its regions that others have removed, though it is applied", () => {
    const { operation } = step(applied(), shows({ [EAST]: null }, REPLICATING), at(2_000)).pair;
    expect(operation).toMatchObject({
      status: "Failed",
      error: { code: "ChangedOutside" },
    });
  });

  it("what ARM has accepted and never shows is NotShown, and is not sent again", () => {
    const first = step(updating({ [A]: "1" }), shows(), at(1_020)).pair;
    const { pair, put } = step(first, shows(), at(1_620));
    expect(pair.operation.error).toMatchObject({
      code: "NotShown",
      errors: [{ code: "NotShown" }],
    });
    expect(put).toBeUndefined();
  });

  it("nor is a creation that ARM has accepted and never shows", () => {
    const first = step(replicating(), undefined, at(100)).pair;
    const { pair, put } = step(first, undefined, at(700));
    expect(pair.operation.error).toMatchObject({ code: "NotShown" });
    expect(put).toBeUndefined();
  });

  it("a creation of which Azure shows a part is awaited, and nothing is sent", () => {
    const tagged = { ...managedImageRequest(), tags: { a: "1" } };
    const part = lookOf("Succeeded", REPLICATING);
    const first = step(replicating(tagged), part, at(10)).pair;
    const { pair, put } = step(first, part, at(250));
    expect(put).toBeUndefined();
    expect(pair.record.status).toEqual(part);
    expect(pair.record.write).toMatchObject({ creates: true });
  });

  it("what had no answer and is shown is ARM's: its copies are made again", () => {
    const field = `${EAST}/regionalReplicaCount`;
    const sent = updating({ [field]: 3 });
    const { regions } = succeeded().record;
    const unanswered = withRecord(sent, {
      regions,
      ...(sent.record.write && {
        write: { ...sent.record.write, answer: "none" },
      }),
    });
    const { record } = step(
      unanswered,
      shows({ [field]: 3 }, { ...COMPLETED, eastus2: ["Replicating", 5] }),
      at(1_020),
    ).pair;
    expect(record.regions).toMatchObject([
      { name: "westus", attempts: 1 },
      { name: "eastus2", attempts: 2, state: "Replicating" },
    ]);
  });

  it("what had no answer is sent again once it can no longer be under way", () => {
    const sent = updating({ [A]: "1" });
    const { write } = sent.record;
    const unanswered = withRecord(sent, write ? { write: { ...write, answer: "none" } } : {});
    const first = step(unanswered, shows(), at(1_020)).pair;
    expect(step(first, shows(), at(1_260)).put?.changes).toEqual({ [A]: "1" });
  });
});

describe("an operation is about one life (4)", () => {
  const other = lookOf("Succeeded", COMPLETED, { publishedDate: time(1_500) });

  it("it ends ReplacedOutside where others have made another version", () => {
    const { pair, put } = step(updating({ [A]: "1" }), other, at(2_000));
    expect(pair.operation.error).toMatchObject({
      code: "ReplacedOutside",
      message: expect.stringContaining(time(1_500)) as string,
      errors: [],
    });
    expect(put).toBeUndefined();
    expect(pair.record.spec).toBeUndefined();
  });

  it("it ends ImageVersionGone where the version is gone", () => {
    const first = step(updating({ [A]: "1" }), undefined, at(2_000)).pair;
    expect(step(first, undefined, at(2_300)).pair.operation.error?.code).toBe("ImageVersionGone");
  });

  it("a creation adopts others' version that is as asked, and waits for its regions", () => {
    const { pair, put } = step(accepted(), shows({}, REPLICATING), at(700));
    expect(put).toBeUndefined();
    expect(pair.operation.status).toBe("Running");
    expect(step(pair, shows(), at(720)).pair.operation.status).toBe("Succeeded");
  });

  it("a creation that adopts others' version sets no rule of its own, and warns of it", () => {
    const asked = accepted();
    const [id = "", request] = Object.entries(asked.record.requests)[0] ?? [];
    if (request === undefined) throw new TypeError("nothing is asked");
    const patch = { ...request.patch, "/sigil/promotion": { when: "regionsReady" } };
    const requests = { [id]: { ...request, patch } };
    const { pair } = step(withRecord(asked, { requests }), shows({}, REPLICATING), at(700));
    expect(pair.operation.warnings).toEqual([expect.objectContaining({ code: "RuleStays" })]);
    expect(pair.record.requests[id]?.patch).not.toHaveProperty("/sigil/promotion");
  });

  it("a creation leaves others' version that is otherwise, and ends ImageVersionExists", () => {
    const { pair, put } = step(
      accepted(),
      shows({ [`${regionField("westus")}/regionalReplicaCount`]: 5 }),
      at(700),
    );
    expect(put).toBeUndefined();
    expect(pair.operation.error).toMatchObject({
      code: "ImageVersionExists",
      errors: [{ code: "ReadBackMismatch" }],
    });
  });
});

describe("the last operation does not end before a region is back (5)", () => {
  it("and others, which do not have it, do", () => {
    const first = asking(applied(), changeOf({ [A]: "1" }));
    const away = withRecord(first, {
      repairs: {
        eastus2: { attempts: 0, removed: { [`${EAST}/name`]: "eastus2" } },
      },
    });
    const look = lookOf(
      "Succeeded",
      { westus: ["Completed", 100] },
      { changes: { [A]: "1", [EAST]: null } },
    );
    const { record } = see(withRecord(away, { status: look }), look, at(1_000));
    expect(Object.keys(record.requests)).toEqual([first.operation.id]);
  });

  it("that was taken away for its repair", () => {
    const pace = { repairAttempts: 1 };
    const look = failed({ ...COMPLETED, eastus2: ["Failed", 10] });
    let pair = step(replicating(), look, at(10, pace)).pair;
    pair = step(pair, look, at(250, pace)).pair;
    const away = step(pair, look, at(550, pace));
    expect(away.put?.changes).toMatchObject({ [EAST]: null });
    expect(away.pair.operation.history.map(({ message }) => message)).toContainEqual(
      naming(["eastus2"]),
    );
    const home = lookOf(
      "Succeeded",
      { westus: ["Completed", 100] },
      { changes: { [EAST]: null, [ALLOW_DELETION]: true } },
    );
    const back = step(away.pair, home, at(580, pace));
    expect(back.pair.operation.status).toBe("Running");
    expect(back.put?.changes).toMatchObject({
      [`${EAST}/name`]: "eastus2",
      [ALLOW_DELETION]: false,
    });
    const copying = step(
      back.pair,
      shows({}, { ...COMPLETED, eastus2: ["Replicating", 5] }),
      at(600, pace),
    ).pair;
    expect(step(copying, shows(), at(620, pace)).pair.operation.status).toBe("Succeeded");
  });
});

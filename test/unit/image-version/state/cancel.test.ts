import { describe, expect, it } from "vitest";
import { latestIn } from "../../../../src/image-version/latest/flags.js";
import type { ReleaseChange } from "../../../../src/image-version/latest/release.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import { unapplied } from "../../../../src/image-version/state/fold.js";
import { GOES_ON, NOTHING_SENT } from "../../../../src/image-version/state/states.js";
import type { ImageVersionPair } from "../../../../src/image-version/state/record.js";
import {
  accepted,
  applied,
  at,
  changeOf,
  COMPLETED,
  creating,
  lookOf,
  REPLICATING,
  beside as asking,
  replicating,
  step,
  succeeded,
  time,
} from "../../../support/transitions.js";
import { beginCancel } from "../../../../src/image-version/telling/tell.js";

const BY = { appId: "a-person" };
const EAST = regionField("eastus2");
const canceled = (
  pair: ImageVersionPair,
  id = pair.operation.id,
  seconds = 20,
): ImageVersionPair => {
  const after = beginCancel(pair, id, BY, at(seconds));
  if (after === undefined) throw new Error("nothing begins");
  return after;
};
const HELD = lookOf("Succeeded", COMPLETED, {
  changes: { "/properties/publishingProfile/excludeFromLatest": true },
});
const lastEntry = ({ operation }: ImageVersionPair) => operation.history.at(-1)?.message;

describe("a creation", () => {
  it("of which nothing was sent ends at once", () => {
    const { operation, record } = canceled(accepted());
    expect(operation).toMatchObject({ status: "Canceled", canceledBy: BY });
    expect(record.requests).toEqual({});
  });

  it("that others have included before it was seen is left as it is", () => {
    const body = HELD.resource;
    const included = lookOf("Succeeded", COMPLETED);
    const once = step(canceled(replicating(body)), included, at(30)).pair;
    const { pair, put } = step(once, included, at(300));
    expect(put).toBeUndefined();
    expect(pair.operation.status).toBe("Canceled");
  });

  it("that was sent is left out of latest before it ends (1)", () => {
    const canceling = canceled(replicating());
    expect(canceling.operation.status).toBe("Running");
    const sent = step(canceling, lookOf("Succeeded", COMPLETED), at(30));
    expect(sent.put && latestIn(sent.put.body)).toEqual([]);
    const { pair } = step(sent.pair, HELD, at(60));
    expect(pair.operation.status).toBe("Canceled");
    expect(pair.record.release).toEqual({ in: "none", but: [], by: "cancel" });
  });

  it("that Azure shows is left out of latest, too", () => {
    expect(lastEntry(canceled(applied()))).toContain("latest");
  });

  it("is left out of latest unless another operation says since where it is", () => {
    const lastOf = (release?: ReleaseChange) => {
      const pair = asking(replicating(), {
        patch: {},
        ...(release && { release }),
      });
      return lastEntry(canceled(pair, replicating().operation.id));
    };
    expect(lastOf()).toContain("latest");
    expect(lastOf({ kind: "include", by: "person" })).not.toContain("latest");
  });

  it("whose PUT had no answer is not sent again", () => {
    const first = step(canceled(creating()), undefined, at(130)).pair;
    const { pair, put } = step(first, undefined, at(400));
    expect(put).toBeUndefined();
    expect(pair.operation.status).toBe("Canceled");
  });

  it("that waits for a repair and is canceled again is out everywhere", () => {
    const { record, ...pair } = canceled(applied());
    const { id } = pair.operation;
    const request = record.requests[id];
    if (request === undefined) throw new Error("it has ended");
    const spared = {
      ...request,
      appliedTime: time(30),
      release: {
        kind: "set",
        release: { in: ["westus"], but: [], by: "cancel" },
      },
    } as const;
    const waiting = {
      ...pair,
      record: { ...record, requests: { [id]: spared } },
    };
    const again = beginCancel(waiting, id, BY, at(40), { allowNoLatest: true });
    expect(again && unapplied(again.record)).toMatchObject([
      [id, { allowNoLatest: true, release: { kind: "exclude" } }],
    ]);
    expect(beginCancel(waiting, id, BY, at(40))).toBe(waiting);
  });

  it("is canceled once: a second cancel changes nothing", () => {
    const once = canceled(replicating());
    expect(beginCancel(once, once.operation.id, BY, at(25))).toBe(once);
  });
});

describe("an update", () => {
  it("that was sent ends at once, and takes nothing out of latest: Azure goes on with what it has accepted", () => {
    const pair = asking(succeeded(), changeOf({ "/tags/a": "1" }), {}, at(1_000));
    const sent = step(pair, lookOf("Succeeded", COMPLETED), at(1_000)).pair;
    const { operation, record } = canceled(sent, sent.operation.id, 1_001);
    expect(operation.status).toBe("Canceled");
    expect(operation.history.at(-1)?.message).toContain(GOES_ON);
    expect(record.write).toBeDefined();
  });

  it("about latest that was sent says how the version is from then on", () => {
    const demotion = { kind: "exclude", by: "person" } as const;
    const { pair } = step(
      asking(succeeded(), { patch: {}, release: demotion }, {}, at(1_000)),
      lookOf("Succeeded", COMPLETED),
      at(1_000),
    );
    const ended = canceled(pair, pair.operation.id, 1_001);
    expect(step(ended, HELD, at(1_020)).pair.record.release).toMatchObject({
      in: "none",
    });
  });

  it("that Azure shows says that Azure goes on", () => {
    const shown = { sent: true, appliedTime: time(1_001) } as const;
    const pair = asking(succeeded(), changeOf({}, shown), {}, at(1_000));
    expect(lastEntry(canceled(pair, pair.operation.id, 1_010))).toContain(GOES_ON);
  });

  it("that was sent with others says that Azure receives its changes with theirs", () => {
    const first = asking(applied(), changeOf({ "/tags/a": "1" }));
    const { pair } = step(first, lookOf("Succeeded", REPLICATING), at(15));
    const { changedOperations } = canceled(pair, first.accepted.id);
    expect(
      changedOperations?.find(({ id }) => id === first.accepted.id)?.history.at(-1)?.message,
    ).toContain("other operations");
  });

  it("that was not sent says that nothing was", () => {
    const pair = asking(succeeded(), changeOf({ "/tags/a": "1" }), {}, at(1_000));
    expect(lastEntry(canceled(pair, pair.operation.id, 1_001))).toContain(NOTHING_SENT);
  });

  it("beside others leaves them alone", () => {
    const pair = asking(applied(), changeOf({ "/tags/a": "1" }));
    const { record, changedOperations } = canceled(pair, pair.accepted.id);
    expect(changedOperations?.find(({ id }) => id === pair.accepted.id)?.status).toBe("Canceled");
    expect(Object.keys(record.requests)).toEqual([pair.operation.id]);
  });

  it("ends once a region is back that was taken away for its repair", () => {
    const pair = asking(succeeded(), changeOf({ "/tags/a": "1" }), {}, at(1_000));
    const away = {
      ...pair,
      record: {
        ...pair.record,
        status: lookOf("Succeeded", COMPLETED, { changes: { [EAST]: null } }),
        repairs: {
          eastus2: { attempts: 0, removed: { [`${EAST}/name`]: "eastus2" } },
        },
      },
    };
    const canceling = canceled(away, pair.operation.id, 1_001);
    expect(canceling.operation.status).not.toBe("Canceled");
    const { put } = step(
      canceling,
      lookOf("Succeeded", { westus: ["Completed", 100] }, { changes: { [EAST]: null } }),
      at(1_002),
    );
    expect(put?.addsBack).toEqual(["eastus2"]);
    expect(put?.changes).not.toHaveProperty("/tags/a");
  });
});

it("who cancels may say why", () => {
  const pair = accepted();
  const ended = beginCancel(pair, pair.operation.id, BY, at(20), {
    why: "It is late.",
  });
  expect(ended && lastEntry(ended)).toBe(`Canceled. It is late. ${NOTHING_SENT}`);
});

it("nothing is canceled of a version that nothing works on", () => {
  expect(beginCancel(succeeded(), succeeded().operation.id, BY, at(20))).toBeUndefined();
});

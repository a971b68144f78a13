import { createHttpHeaders } from "@azure/core-rest-pipeline";
import { beforeEach, describe, expect, test } from "vitest";
import { toDisplay } from "../../../../src/azure/arm/flows.js";
import { createPacer, type Pacer } from "../../../../src/azure/arm/pacer.js";
import type { ServiceError } from "../../../../src/errors.js";
import { naming } from "../../../support/naming.js";

const READ = {
  what: "the read of version 1.0.0",
  action: "Microsoft.Compute/galleries/images/versions/read",
  scope: "/subscriptions/S/resourceGroups/g",
};
const LIMIT = "Microsoft.Compute/GetGalleryImageVersion30Min";
/** One in so many milliseconds is what the limit allows for ever. */
const FOR_EVER_MS = 600;

let nowMs: number;
let slept: number[];
let pacer: Pacer;
beforeEach(() => {
  nowMs = Date.UTC(2026, 0, 1);
  slept = [];
  pacer = createPacer({
    now: () => new Date(nowMs),
    sleep: (ms) => {
      slept.push(ms);
      return Promise.resolve();
    },
  });
});

function answered(left: number, call = READ, status = 200): void {
  pacer.answered(call, {
    status,
    headers: createHttpHeaders({
      "x-ms-ratelimit-remaining-resource": `${LIMIT};${left}`,
      ...(status === 429 && { "retry-after": "40" }),
    }),
    body: {},
  });
}

/** What was slept for each of so many calls; of those that were not sent, when they are to come again, as a negative. */
async function turns(count: number, call = READ): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i += 1) {
    slept = [];
    try {
      await pacer.turn(call);
      all.push(slept[0] ?? 0);
    } catch (error) {
      all.push(-((error as ServiceError).retryAfterMs ?? 0));
    }
  }
  return all;
}

describe("invariant 1: a call waits only where little is left", () => {
  test("not while nothing is known", async () => {
    expect(await turns(500)).toEqual(Array.from({ length: 500 }, () => 0));
  });

  test("not while half is left, and from then on each a little longer", async () => {
    answered(1_502);
    expect((await turns(5)).map(Math.round)).toEqual([0, 0, 0, 0, 600]);
  });

  test("nor for what is left of another subscription, or of other calls", async () => {
    answered(0);
    const other = { ...READ, scope: "/subscriptions/other" };
    expect(await turns(1, other)).toEqual([0]);
    const write = { ...READ, action: READ.action.replace("read", "write") };
    expect(await turns(1, write)).toEqual([0]);
    const same = { ...READ, scope: "/SUBSCRIPTIONS/s/x" };
    expect((await turns(2, same)).at(-1)).toBeLessThan(0);
  });

  test("nor once the limit has filled again", async () => {
    answered(10);
    nowMs += 1_491 * FOR_EVER_MS;
    expect(await turns(1)).toEqual([0]);
  });
});

test("invariant 2: the less is left, the longer the next waits", async () => {
  const next: number[] = [];
  for (const left of [1_400, 700, 350]) {
    answered(left);
    await turns(1);
    next.push((await turns(1))[0] ?? 0);
    nowMs += 3_600_000;
    answered(3_000);
    await turns(1);
  }
  expect(next.map(Math.round)).toEqual([648, 1_473, 4_050]);
});

test("invariant 2: all that is sent in half an hour is within the limit, with something left for others", async () => {
  let left = 3_000;
  let sent = 0;
  for (const endMs = nowMs + 1_800_000; nowMs < endMs; nowMs += 250)
    for (let callers = 0; callers < 3; callers += 1) {
      const [wait = 0] = await turns(1);
      if (wait < 0) continue;
      sent += 1;
      left -= 1;
      answered(left);
    }
  expect(left).toBeGreaterThan(0);
  expect(sent).toBeGreaterThan(2_650);
});

describe("invariant 3: what would wait too long is not sent", () => {
  test("and each is told a time of its own, and why", async () => {
    answered(1);
    const [first, ...others] = await turns(4);
    expect(first).toBe(0);
    expect(new Set(others).size).toBe(3);
    expect(Math.max(...others)).toBeLessThan(-5_000);
    await expect(pacer.turn(READ)).rejects.toMatchObject({
      code: "ResourceManagerThrottled",
      message: naming(["1.0.0"]),
    });
  });

  test("nor what ARM has refused, before the time that it has named", async () => {
    answered(2_000, READ, 429);
    expect(await turns(3)).toEqual([-40_100, -40_200, -40_300]);
    nowMs += 40_000;
    expect(await turns(1)).toEqual([0]);
  });

  test("of a refusal that names no time, for as long as a call waits at most", async () => {
    pacer.answered(READ, {
      status: 429,
      headers: createHttpHeaders(),
      body: {},
    });
    expect(await turns(1)).toEqual([-5_100]);
    nowMs += 5_000;
    expect(await turns(1)).toEqual([0]);
  });
});

describe("invariant 4: what is read for somebody who looks on does not wait", () => {
  const shown = (count: number) => toDisplay(() => turns(count));

  test("a read to display is sent where no wait is due", async () => {
    answered(1_400);
    expect(await shown(1)).toEqual([0]);
    const [notSent] = await shown(1);
    expect(notSent).toBeLessThan(0);
    nowMs += 650;
    expect(await shown(1)).toEqual([0]);
  });

  test("and takes the turn of none that waits, nor puts one off", async () => {
    answered(700);
    await turns(1);
    const others = await shown(50);
    expect(others.filter((wait) => wait >= 0)).toEqual([]);
    expect((await turns(1)).map(Math.round)).toEqual([1_473]);
  });

  test("nor is one sent before the time that ARM has named", async () => {
    answered(2_000, READ, 429);
    expect((await shown(2)).every((wait) => wait < -40_000)).toBe(true);
  });

  test("a twentieth of a limit is left to them by whoever comes as fast as can be", async () => {
    let left = 400;
    for (const endMs = nowMs + 3_600_000; nowMs < endMs; nowMs += 500) {
      answered(left); // Others use all that comes back.
      const [wait = 0] = await turns(1);
      if (wait >= 0) left -= 1;
    }
    expect(left).toBeGreaterThanOrEqual(150);
    expect(left).toBeLessThan(160);
  });
});

test("of a limit that is not known, what was first seen counts", async () => {
  const said = (left: number) =>
    pacer.answered(READ, {
      status: 200,
      headers: createHttpHeaders({
        "x-ms-ratelimit-remaining-new": String(left),
      }),
      body: {},
    });
  said(100);
  expect(await turns(2)).toEqual([0, 0]);
  said(30);
  const [, second] = await turns(2);
  expect(second).toBeCloseTo((1_800 * 45) / 25, 0);
});

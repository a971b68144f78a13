/** A rollback reads a list of Azure that is behind Sigil's own writes of the last minutes; looks at single versions are true. */
import { beforeEach, describe, expect, test } from "vitest";
import { rollBackImage } from "../../../../src/image-version/rollback/roll-back.js";
import type { PromotionRule } from "../../../../src/image-version/contract.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  BY,
  byHand,
  ended,
  isExcluded,
  made,
  newDefinition,
  pass,
  plain,
} from "./support.js";

const MINUTE_MS = 60_000;
const BODY = plain();
const FOR_ALL: PromotionRule = { when: "allRegionsReady" };
const RULED = plain(undefined, { sigil: { promotion: FOR_ALL } });

let world: InProcess;
let image: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given) => {
  world = given;
});
beforeEach(async () => {
  image = await newDefinition(world);
});
const at = (number: string): string => `${image}/versions/${number}`;

async function listNow(): Promise<unknown> {
  const token = await world.issuer.issueToken({
    audience: "https://management.azure.com",
  });
  const response = await fetch(
    `${world.simulator.endpoint}${image}/versions?api-version=2025-12-03`,
    { headers: { Authorization: `Bearer ${token}` } },
  );
  return response.json();
}
const listsShow = (body: unknown, more: object): unknown =>
  world.simulator.control.addFault({
    path: `${image}/versions\\?`,
    method: "GET",
    status: 200,
    body,
    ...more,
  });

describe("J10-10: a list that is behind", () => {
  test("by the promotion of the version that is bad: the rollback goes from that one, not from the one before", async () => {
    await made(world, at("1.0.0"), BODY);
    await made(world, at("1.0.1"), BODY);
    await made(
      world,
      at("1.0.2"),
      plain(undefined, { publishing: { excludeFromLatest: true } }),
    );
    await pass(world, 30 * MINUTE_MS);
    const before = await listNow();
    await ended(world, [await byHand.promote(world, at("1.0.2"))]);
    await pass(world, MINUTE_MS);
    listsShow(before, { times: 1 });
    const accepted = await rollBackImage(world.deps, {
      ...BY,
      image: idOf(at("1.0.0")),
    });
    const [end] = await ended(world, [accepted]);
    world.simulator.control.clearFaults();
    expect({
      said: end?.status,
      message: end?.error?.message,
      from: accepted.rollback?.from,
      to: accepted.rollback?.to,
      excluded: [
        await isExcluded(world, at("1.0.0")),
        await isExcluded(world, at("1.0.1")),
        await isExcluded(world, at("1.0.2")),
      ],
    }).toMatchObject({
      said: "Succeeded",
      from: "1.0.2",
      to: "1.0.1",
      excluded: [false, false, true],
    });
  });

  test("for four minutes by the rollback's own promotion: it is not Failed where Azure has all that it promised", async () => {
    await made(
      world,
      at("1.0.0"),
      plain(undefined, { publishing: { excludeFromLatest: true } }),
    );
    await made(world, at("1.0.1"), BODY);
    await pass(world, 30 * MINUTE_MS);
    const before = await listNow();
    const accepted = await rollBackImage(world.deps, {
      ...BY,
      image: idOf(at("1.0.0")),
      to: "1.0.0",
    });
    listsShow(before, { times: null });
    const startedMs = world.clock.now();
    const [end] = await ended(world, [accepted], async () => {
      if (world.clock.now() - startedMs > 9 * MINUTE_MS)
        world.simulator.control.clearFaults();
    });
    world.simulator.control.clearFaults();
    expect({
      said: end?.status,
      message: end?.error?.message,
      afterMs: world.clock.now() - startedMs,
      excluded: [
        await isExcluded(world, at("1.0.0")),
        await isExcluded(world, at("1.0.1")),
      ],
    }).toMatchObject({ said: "Succeeded", excluded: [false, true] });
  });
});

describe("J10-11: the bad version that was rolled back", () => {
  test("is not the latest again because its pipeline's next PUT was canceled or refused, and is sent again", async () => {
    await made(world, at("1.0.0"), RULED);
    await made(world, at("1.0.1"), RULED);
    const accepted = await rollBackImage(world.deps, {
      ...BY,
      image: idOf(at("1.0.0")),
    });
    expect(await ended(world, [accepted])).toMatchObject([
      { status: "Succeeded", rollback: { from: "1.0.1", to: "1.0.0" } },
    ]);
    await pass(world, 30 * MINUTE_MS);
    const { put, operationIn } = await import("./support.js");
    // A region that Azure does not offer: refused by a check, nothing is sent.
    const wrong = operationIn(
      await put(
        world,
        at("1.0.1"),
        plain([{ name: "westus" }, { name: "eastus2" }, { name: "nowhere" }], {
          sigil: { promotion: FOR_ALL },
        }),
      ),
    );
    expect(await ended(world, [wrong])).toMatchObject([
      { status: "Failed", error: { code: "PreflightFailed" } },
    ]);
    const right = operationIn(
      await put(
        world,
        at("1.0.1"),
        plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }], {
          sigil: { promotion: FOR_ALL },
        }),
      ),
    );
    expect(await ended(world, [right])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await isExcluded(world, at("1.0.1"))).toBe(true);
  });

  test("(control) stays out of latest where nothing was refused before", async () => {
    await made(world, at("1.0.0"), RULED);
    await made(world, at("1.0.1"), RULED);
    await ended(world, [
      await rollBackImage(world.deps, { ...BY, image: idOf(at("1.0.0")) }),
    ]);
    await pass(world, 30 * MINUTE_MS);
    const { put, operationIn } = await import("./support.js");
    const right = operationIn(
      await put(
        world,
        at("1.0.1"),
        plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }], {
          sigil: { promotion: FOR_ALL },
        }),
      ),
    );
    expect(await ended(world, [right])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await isExcluded(world, at("1.0.1"))).toBe(true);
  });
});

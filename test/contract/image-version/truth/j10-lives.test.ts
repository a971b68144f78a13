/** A version is deleted and made again within ten minutes, and a replica that is behind shows the life before once. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  ended,
  inAzure,
  made,
  operationIn,
  outside,
  pass,
  plain,
  put,
  putThrough,
  puts,
  seen,
  showAs,
  shownIn,
} from "./support.js";

const MINUTE_MS = 60_000;
const BODY = plain(undefined, { tags: { a: "1" } });
const NEW = { ifNoneMatch: "*" as const };

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

describe.each(["Sigil", "others"])("J10-6: deleted by %s", (whom) => {
  async function madeAndDeleted() {
    await made(world, id, BODY);
    const before = await shownIn(world, id);
    if (whom === "Sigil") await ended(world, [await byHand.remove(world, id)]);
    else await outside(world, "DELETE", id);
    expect(await inAzure(world, id)).toBeUndefined();
    await world.takeEvents();
    world.simulator.control.clearRequests();
    return before;
  }

  test("made again by the same body: Succeeded only where Azure has it", async () => {
    const before = await madeAndDeleted();
    const again = operationIn(await put(world, id, BODY, NEW));
    showAs(world, id, before); // the look of the first step
    const [last] = await ended(world, [again]);
    world.simulator.control.clearFaults();
    expect({
      said: last?.status,
      error: last?.error,
      inAzure: (await inAzure(world, id)) !== undefined,
      puts: puts(world),
    }).toMatchObject({ said: "Succeeded", inAzure: true });
  });

  test("made again by another body: it is made", async () => {
    const before = await madeAndDeleted();
    const again = operationIn(
      await put(world, id, plain(undefined, { tags: { a: "2" } }), NEW),
    );
    showAs(world, id, before);
    const [last] = await ended(world, [again]);
    world.simulator.control.clearFaults();
    expect({
      said: last?.status,
      error: last?.error?.code,
      inAzure: (await inAzure(world, id)) !== undefined,
    }).toMatchObject({ said: "Succeeded", inAzure: true });
  });

  test("made again, and the first look after the create shows the life before: not Succeeded before it is", async () => {
    const before = await madeAndDeleted();
    const again = operationIn(await put(world, id, BODY, NEW));
    // The step's own look is true; the first after the create is behind.
    showAs(world, id, before, { times: 1, afterMatches: 1 });
    const [last] = await ended(world, [again]);
    world.simulator.control.clearFaults();
    const shown = await shownIn(world, id);
    expect({
      said: last?.status,
      error: last?.error?.message,
      state: shown.properties.provisioningState,
      summary: shown.properties.replicationStatus?.summary.map(
        ({ state, progress }) => `${state} ${progress}`,
      ),
      managedBy: (await seen(world, id)).sigil.managedBy,
      events: (await world.takeEvents()).map(({ type }) => type),
    }).toMatchObject({ said: "Succeeded", state: "Succeeded" });
    await pass(world, 30 * MINUTE_MS);
    expect((await seen(world, id)).sigil.managedBy).toBe("Sigil");
    expect(
      await putThrough(world, id, plain(undefined, { tags: { a: "3" } })),
    ).toMatchObject({ status: "Succeeded" });
  });
});

describe("J10-22: a version that Sigil has deleted, and one look of before that when a request is accepted", () => {
  async function deletedJustNow() {
    await made(world, id, BODY);
    const before = await shownIn(world, id);
    await ended(world, [await byHand.remove(world, id)]);
    expect(await inAzure(world, id)).toBeUndefined();
    world.simulator.control.clearRequests();
    return before;
  }

  test.each([
    ["the same body", BODY],
    ["another body", plain(undefined, { tags: { a: "2" } })],
  ])(
    "is not made again by a PUT without If-None-Match (%s)",
    async (_, body) => {
      const before = await deletedJustNow();
      showAs(world, id, before);
      const answer = await put(world, id, body).catch(
        (error: unknown) => error,
      );
      if (!(answer instanceof Error)) {
        const [last] = await ended(world, [
          operationIn(answer as Awaited<ReturnType<typeof put>>),
        ]);
        world.simulator.control.clearFaults();
        expect({
          said: last?.status,
          code: last?.error?.code,
          kind: last?.kind,
          creates: puts(world),
          inAzure: (await inAzure(world, id)) !== undefined,
        }).toMatchObject({ creates: 0, inAzure: false });
      }
    },
  );

  test("is made again by a PUT with If-None-Match: *", async () => {
    const before = await deletedJustNow();
    showAs(world, id, before);
    expect((await put(world, id, BODY, NEW)).kind).toBe("accepted");
  });
});

describe("J10-23: a version of others, deleted by them a moment ago, of which Sigil knows nothing", () => {
  test("is made by the first PUT, though the step's look shows the one before", async () => {
    await outside(world, "PUT", id, BODY);
    const before = await shownIn(world, id);
    await outside(world, "DELETE", id);
    const creation = operationIn(await put(world, id, BODY));
    showAs(world, id, before);
    const [last] = await ended(world, [creation]);
    world.simulator.control.clearFaults();
    expect({
      said: last?.status,
      inAzure: (await inAzure(world, id)) !== undefined,
    }).toEqual({ said: "Succeeded", inAzure: true });
  });
});

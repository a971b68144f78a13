/** A replica that is behind the changes of others, or behind a repair of Sigil's own. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  ended,
  isExcluded,
  made,
  operation,
  operationIn,
  pass,
  patch,
  plain,
  put,
  showAs,
  shownIn,
  tagsIn,
  toldOfChanges,
} from "./support.js";

const MINUTE_MS = 60_000;

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 3_600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const hold = (): Promise<unknown> =>
  world.simulator.control.editVersion({
    versionId: id,
    properties: { publishingProfile: { excludeFromLatest: true } },
  });

/** An update that replicates for an hour, of a version with tag a. */
async function running() {
  await made(world, id, plain([{ name: "westus" }], { tags: { a: "1" } }));
  const update = operationIn(
    await put(world, id, plain(undefined, { tags: { a: "1" } })),
  );
  await pass(world, 15 * MINUTE_MS);
  expect(await operation(world, update)).toMatchObject({ status: "Running" });
  await world.takeEvents();
  return update;
}

describe("J10-19: others change a version that is followed, and one look is from before that", () => {
  test("a hold-back in the portal is told once, and no promotion", async () => {
    await running();
    const before = await shownIn(world, id);
    await hold();
    await pass(world, 5 * MINUTE_MS);
    showAs(world, id, before);
    await pass(world, 10 * MINUTE_MS);
    expect(await toldOfChanges(world, id)).toEqual([
      "Sigil.ImageVersion.Demoted",
      "Sigil.ImageVersion.ChangedOutside",
    ]);
  });

  test("a tag of theirs is told once", async () => {
    await running();
    const before = await shownIn(world, id);
    await world.simulator.control.editVersion({
      versionId: id,
      tags: { p: "1" },
    });
    await pass(world, 5 * MINUTE_MS);
    showAs(world, id, before);
    await pass(world, 10 * MINUTE_MS);
    expect(await toldOfChanges(world, id)).toEqual([
      "Sigil.ImageVersion.ChangedOutside",
    ]);
  });
});

describe("J10-20: others change a version, and the look by which Sigil writes is from before that", () => {
  test("a hold-back that Sigil has seen already is not undone by another's tag", async () => {
    await made(world, id, plain([{ name: "westus" }]));
    const before = await shownIn(world, id);
    await hold();
    await pass(world, MINUTE_MS);
    // Accepted by a true look, sent by one that is behind.
    const update = operationIn(await patch(world, id, { tags: { z: "1" } }));
    showAs(world, id, before);
    await ended(world, [update]);
    world.simulator.control.clearFaults();
    expect({
      tags: await tagsIn(world, id),
      excluded: await isExcluded(world, id),
    }).toEqual({
      tags: { z: "1" },
      excluded: true,
    });
  });
});

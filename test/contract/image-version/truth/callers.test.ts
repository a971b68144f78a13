/** Several callers of one version: what goes together, what contradicts, what is canceled. */
import { describe, expect, test } from "vitest";
import type { InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  byHand,
  ended,
  etagOf,
  made,
  operationIn,
  pass,
  patch,
  plain,
  put,
  putThrough,
  regionNames,
  shownIn,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 120_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const BODY = plain(undefined, { tags: { a: "1" } });
const MORE = plain([{ name: "westus" }, { name: "eastus2" }, { name: "eastus" }], {
  tags: { a: "1" },
});
describe("If-Match", () => {
  test("with the present ETag takes the request; with an older one it is 412 and nothing is stored", async () => {
    await made(world, id, BODY);
    const old = await etagOf(world, id);
    expect(
      await putThrough(world, id, plain(undefined, { tags: { a: "2" } }), {
        ifMatch: old,
      }),
    ).toMatchObject({ status: "Succeeded" });
    expect(
      await refusal(
        put(world, id, plain(undefined, { tags: { a: "3" } }), {
          ifMatch: old,
        }),
      ),
    ).toMatchObject({ code: "PreconditionFailed" });
    expect(await refusal(patch(world, id, { tags: { a: "3" } }, { ifMatch: old }))).toMatchObject({
      code: "PreconditionFailed",
    });
    expect((await shownIn(world, id)).tags).toEqual({ a: "2" });
    expect((await world.read(id)).record.state).toBe("Succeeded");
  });

  test("protects from what another caller has asked for and Azure does not show yet", async () => {
    await made(world, id, BODY);
    const ifMatch = await etagOf(world, id);
    const first = operationIn(await put(world, id, plain(undefined, { tags: { a: "2" } })));
    expect(await refusal(patch(world, id, { tags: { b: "3" } }, { ifMatch }))).toMatchObject({
      code: "PreconditionFailed",
    });
    await ended(world, [first]);
  });

  test("a caller who removes regions removes only those that the request names", async () => {
    await made(world, id, BODY);
    const first = operationIn(await put(world, id, MORE));
    const second = operationIn(
      await put(world, id, plain([{ name: "westus" }], { tags: { a: "1" } }), {
        removeRegions: ["eastus2"],
      }),
    );
    expect(await ended(world, [first, second])).toMatchObject([{}, { status: "Succeeded" }]);
    expect(regionNames(await shownIn(world, id))).toEqual(["westus", "eastus"]);
  });
});

describe("what comes while an operation runs", () => {
  test("a patch that says what Azure shows, and the run takes away, is 409; it is not told to be done", async () => {
    await made(world, id, plain(undefined, { tags: { a: "1", b: "1" } }));
    const first = operationIn(await put(world, id, BODY));
    expect(await refusal(patch(world, id, { tags: { b: "1" } }))).toMatchObject({
      code: "ImageVersionConflict",
      findings: [{ pointer: "/tags/b" }],
    });
    await ended(world, [first]);
    expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
  });

  test("a demotion during a create under a rule holds: the rule promotes no more", async () => {
    const first = operationIn(
      await put(
        world,
        id,
        plain(undefined, {
          sigil: { promotion: { when: "allRegionsReady" } },
        }),
      ),
    );
    await world.runDue();
    const demotion = await byHand.demote(world, id);
    await ended(world, [first, demotion]);
    await pass(world, 900_000);
    expect((await shownIn(world, id)).properties.publishingProfile.excludeFromLatest).toBe(true);
  });

  test("a promotion of others in the portal during a run is theirs to keep", async () => {
    await made(world, id, BODY);
    const first = operationIn(await put(world, id, MORE));
    await world.runDue();
    await world.simulator.control.editVersion({
      versionId: id,
      properties: { publishingProfile: { excludeFromLatest: true } },
      tags: { theirs: "1" },
    });
    expect(await ended(world, [first])).toMatchObject([{ status: "Succeeded" }]);
    const shown = await shownIn(world, id);
    expect(shown.properties.publishingProfile.excludeFromLatest).toBe(true);
    expect(shown.tags).toEqual({ a: "1", theirs: "1" });
    expect(JSON.stringify(await world.takeEvents())).toContain("ChangedOutside");
  });
});

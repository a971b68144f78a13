/** An opened version shows a key as anybody saw it last. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { promoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { openedKeys } from "../../../src/image-version/queries/keys.js";
import { createLooks } from "../../../src/image-version/queries/looks.js";
import { idOf, noting, TRACEPARENT } from "../../support/dependencies.js";
import { startGuarded, type Guarded } from "./support.js";

let world: Guarded;
let image: string;
beforeAll(async () => {
  world = await startGuarded();
  image = await world.define();
  await world.publish(`${image}/versions/1.0.0`);
});
afterAll(() => world.close());

let deps: Guarded["deps"];
beforeEach(() => {
  const { resourceManager, resources, now } = world.deps;
  deps = noting({ ...world.deps, looks: createLooks(resourceManager, resources, now, 0) });
  world.simulator.control.clearRequests();
});

const version = () => getImageVersion(deps, idOf(`${image}/versions/1.0.0`));
const setsRead = (): number =>
  world.simulator.control.requests().filter(({ path }) => path.includes("diskEncryptionSets"))
    .length;

describe("a key that a run saw working", () => {
  const first = () => idOf(`${image}/versions/1.0.0`);
  const opened = async (refresh = false) =>
    (await openedKeys(deps, image, await version(), true, refresh))?.state;

  beforeEach(() => world.run());
  afterEach(() => world.setKey({}));

  test("is read again 30 s later", async () => {
    await world.setKey({ enabled: false });
    expect(await opened()).toBe("Safe");
    world.clock.advance(30_000);
    expect(await opened()).toBe("AtRisk");
    await world.setKey({});
    world.clock.advance(29_999);
    expect(await opened()).toBe("AtRisk");
    world.clock.advance(1);
    expect(await opened()).toBe("Safe");
  });

  test("is read again at once by refresh, once in 5 s", async () => {
    await world.setKey({ enabled: false });
    world.clock.advance(5_000);
    expect(await opened(true)).toBe("AtRisk");
    await world.setKey({});
    const reads = setsRead();
    world.clock.advance(4_999);
    expect(await opened(true)).toBe("AtRisk");
    expect(setsRead()).toBe(reads);
    world.clock.advance(1);
    expect(await opened(true)).toBe("Safe");
  });

  test("is shown broken in the same second as a promotion found it so", async () => {
    world.clock.advance(1_000);
    await world.setKey({ enabled: false });
    await expect(
      promoteImageVersion(deps, {
        id: first(),
        requestedBy: { appId: "test" },
        traceparent: TRACEPARENT,
      }),
    ).rejects.toMatchObject({ code: "KeyAtRisk" });
    expect(await opened()).toBe("AtRisk");
  });
});

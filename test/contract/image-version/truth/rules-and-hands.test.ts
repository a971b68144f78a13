/** Promotion rules, and what somebody asks by hand and takes back: each holds as long as nobody has asked otherwise since. */
import { expect, test } from "vitest";
import type { OperationRecord } from "../../../../src/operation/records.js";
import type { InProcess } from "../../../support/dependencies.js";
import { seedResource } from "../../../support/requests.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  ended,
  etagOf,
  facts,
  foreign,
  isExcluded,
  made,
  operation,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  putThrough,
  seen,
  shownIn,
} from "./support.js";

const TWO_REGIONS = [{ name: "westus" }, { name: "eastus2" }];
const THREE_REGIONS = [...TWO_REGIONS, { name: "eastus" }];
const OUT = { publishing: { excludeFromLatest: true } };
const RULE = { promotion: { when: "allRegionsReady" } } as const;

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

test.each(["promote", "demote"] as const)(
  "a rule still holds once a request to %s, which was not sent, is canceled",
  async (does) => {
    const creation = operationIn(
      await put(world, id, plain(TWO_REGIONS, { sigil: RULE })),
    );
    await pass(world, 60_000);
    const decided = await byHand[does](world, id);
    await pass(world, 60_000);
    expect(await cancel(world, decided)).toMatchObject({ status: "Canceled" });
    expect(await isExcluded(world, id)).toBe(true);
    expect(await ended(world, [creation])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await isExcluded(world, id)).toBe(false);
  },
);

test("a rule promotes no more while somebody's demotion waits", async () => {
  const creation = operationIn(
    await put(world, id, plain(TWO_REGIONS, { sigil: RULE })),
  );
  await pass(world, 60_000);
  const demotion = await byHand.demote(world, id);
  expect(await ended(world, [creation, demotion])).toMatchObject([
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  await pass(world, 3_600_000);
  expect(await isExcluded(world, id)).toBe(true);
});

test("what waits behind a demotion, and contradicts it, goes on once that is canceled", async () => {
  await made(
    world,
    id,
    plain(TWO_REGIONS, { publishing: { excludeFromLatest: true } }),
  );
  const update = operationIn(await put(world, id, plain(THREE_REGIONS)));
  await pass(world, 60_000);
  const including = operationIn(
    await put(
      world,
      id,
      plain(THREE_REGIONS, { publishing: { excludeFromLatest: false } }),
    ),
  );
  const demotion = await byHand.demote(world, id);
  await pass(world, 60_000);
  expect(await operation(world, including)).toMatchObject({
    status: "NotStarted",
  });
  await cancel(world, demotion);
  expect(await ended(world, [update, including])).toMatchObject([
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  expect(await isExcluded(world, id)).toBe(false);
});

test("and ends Superseded once Azure shows the demotion", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const update = operationIn(await put(world, id, plain(THREE_REGIONS)));
  await pass(world, 60_000);
  const promotion = await byHand.promote(world, id);
  const demotion = await byHand.demote(world, id);
  const [, overtaken, last] = await ended(world, [update, promotion, demotion]);
  expect(overtaken).toMatchObject({
    status: "Failed",
    error: { code: "Superseded" },
  });
  expect(last).toMatchObject({ status: "Succeeded" });
  expect(await isExcluded(world, id)).toBe(true);
});

test("a rule that waits behind a demotion still holds once that is canceled", async () => {
  await made(
    world,
    id,
    plain(TWO_REGIONS, { publishing: { excludeFromLatest: true } }),
  );
  const update = operationIn(await put(world, id, plain(THREE_REGIONS)));
  await pass(world, 60_000);
  const ruled = operationIn(
    await put(world, id, plain(THREE_REGIONS, { sigil: RULE })),
  );
  const demotion = await byHand.demote(world, id);
  await cancel(world, demotion);
  expect(await ended(world, [update, ruled])).toMatchObject([
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  expect(await isExcluded(world, id)).toBe(false);
});

test("a creation and then the request that would have included its version are canceled: it is excluded", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  const including = operationIn(
    await put(
      world,
      id,
      plain(THREE_REGIONS, { publishing: { excludeFromLatest: false } }),
    ),
  );
  await cancel(world, creation);
  await cancel(world, including);
  expect(await ended(world, [creation, including])).toMatchObject([
    { status: "Canceled" },
    { status: "Canceled" },
  ]);
  expect(await isExcluded(world, id)).toBe(true);
});

test("the version of a canceled creation is in latest no sooner than another's rule holds", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  const ruled = operationIn(
    await put(world, id, plain(THREE_REGIONS, { sigil: RULE })),
  );
  await cancel(world, creation);
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Canceled" },
  ]);
  expect(await isExcluded(world, id)).toBe(true);
  expect(await ended(world, [ruled])).toMatchObject([{ status: "Succeeded" }]);
  expect(await isExcluded(world, id)).toBe(false);
});

test.each<[string, () => ReturnType<typeof put>]>([
  ["patches a tag", () => patch(world, id, { tags: { a: "1" } })],
  [
    "sends back what GET has answered, with a tag more",
    async () => {
      const edited = { ...(await seen(world, id)), tags: { a: "1" } };
      const ifMatch = await etagOf(world, id);
      return put(world, id, edited as never, { pasted: true, ifMatch });
    },
  ],
])(
  "the version of a canceled creation is excluded where another only %s",
  async (_, change) => {
    const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
    await pass(world, 20_000);
    const tagged = operationIn(await change());
    await cancel(world, creation);
    expect(await ended(world, [creation, tagged])).toMatchObject([
      { status: "Canceled" },
      { status: "Succeeded" },
    ]);
    expect(await isExcluded(world, id)).toBe(true);
    expect((await shownIn(world, id)).tags).toEqual({ a: "1" });
    expect(facts(await world.takeEvents(), creation)).toContain("canceled");
  },
);

test("a rule waits for every region that Azure has of the version, whoever added it", async () => {
  await made(
    world,
    id,
    plain([{ name: "westus" }], { publishing: { excludeFromLatest: true } }),
  );
  await world.simulator.control.setSucceededWhen("homeRegion");
  await world.simulator.control.stallRegion({
    versionId: id,
    region: "eastus2",
    atProgress: 20,
  });
  await outside(world, "PATCH", id, {
    properties: {
      publishingProfile: {
        targetRegions: [{ name: "westus" }, { name: "eastus2" }],
        excludeFromLatest: true,
      },
    },
  });
  const ruled = operationIn(
    await put(world, id, plain([{ name: "westus" }], { sigil: RULE })),
  );
  await pass(world, 600_000);
  expect(await operation(world, ruled)).toMatchObject({
    status: "Running",
    waitReason: expect.stringContaining("eastus2") as string,
  });
  expect(await isExcluded(world, id)).toBe(true);
  await world.simulator.control.resumeRegion({
    versionId: id,
    region: "eastus2",
  });
  expect(await ended(world, [ruled])).toMatchObject([{ status: "Succeeded" }]);
  await world.simulator.control.setSucceededWhen("everyRegion");
  expect(await isExcluded(world, id)).toBe(false);
});

const putFault = (fault: object): unknown =>
  world.simulator.control.addFault({
    method: "PUT",
    path: `${id}\\?`,
    ...fault,
  });

/** The world's ports, with something that happens as the first PUT is sent. */
function asPutIsSent(happens: () => Promise<unknown>): typeof world.deps {
  const { resourceManager } = world.deps;
  let hasHappened = false;
  return {
    ...world.deps,
    resourceManager: {
      ...resourceManager,
      putImageVersion: async (...args) => {
        if (!hasHappened) {
          hasHappened = true;
          await happens();
        }
        return resourceManager.putImageVersion(...args);
      },
    },
  };
}

test("a promotion whose turn had come, and that was not sent, goes on once the demotion behind it is canceled", async () => {
  await made(world, id, plain(TWO_REGIONS, OUT));
  const promotion = await byHand.promote(world, id);
  await cancel(world, await byHand.demote(world, id));
  expect(await ended(world, [promotion])).toMatchObject([
    { status: "Succeeded" },
  ]);
  expect(await isExcluded(world, id)).toBe(false);
});

test("a promotion is never sent where a demotion comes as the update that they share is refused", async () => {
  await made(world, id, plain(TWO_REGIONS, OUT));
  const tagged = operationIn(
    await put(world, id, plain(TWO_REGIONS, { ...OUT, tags: { a: "1" } })),
  );
  const promotion = await byHand.promote(world, id);
  putFault({
    status: 400,
    body: { error: { code: "BadRequest", message: "Not together." } },
  });
  let demotion: OperationRecord | undefined;
  const deps = asPutIsSent(async () => {
    demotion = await byHand.demote(world, id);
  });
  while (demotion === undefined)
    for (const message of await world.takeDue())
      await world.handle(message, deps);
  let wasIncluded = false;
  const ends = await ended(world, [promotion, demotion, tagged], async () => {
    wasIncluded ||= !(await isExcluded(world, id));
  });
  expect(ends).toMatchObject([
    { status: "Failed", error: { code: "Superseded" } },
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  expect(wasIncluded).toBe(false);
});

test.each([
  ["fails its proof", false],
  ["is refused by Azure", true],
])(
  "the version of a canceled creation is excluded where the request that would include it %s",
  async (_, isRefused) => {
    const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
    await pass(world, 60_000);
    const set = seedResource("diskEncryptionSets/NoSuchSet");
    const eastus = {
      name: "eastus",
      ...(!isRefused && {
        encryption: { osDiskImage: { diskEncryptionSetId: set } },
      }),
    };
    const including = operationIn(
      await put(
        world,
        id,
        plain([...TWO_REGIONS, eastus], {
          publishing: { excludeFromLatest: false },
        }),
      ),
    );
    await cancel(world, creation);
    if (isRefused)
      putFault({
        status: 400,
        body: { error: { code: "BadRequest", message: "No." } },
      });
    expect(await ended(world, [creation, including])).toMatchObject([
      { status: "Canceled" },
      { status: "Failed" },
    ]);
    expect(await isExcluded(world, id)).toBe(true);
  },
);

test("a promotion that Azure accepts and does not show is sent again", async () => {
  const creation = operationIn(
    await put(world, id, plain(TWO_REGIONS, { sigil: RULE })),
  );
  await pass(world, 60_000);
  putFault({ status: 200, body: {} });
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Succeeded" },
  ]);
  expect(await isExcluded(world, id)).toBe(false);
});

test("and fails its operation once it was sent three times in vain", async () => {
  const creation = operationIn(
    await put(world, id, plain(TWO_REGIONS, { sigil: RULE })),
  );
  await pass(world, 60_000);
  putFault({ status: 200, body: {}, times: null });
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Failed", error: { code: "OverriddenByAzure" } },
  ]);
});

test.each([
  ["somebody has demoted the version and it was made manual", true],
  ["a body has held the version back", false],
])("a rule that is asked anew after %s holds", async (_, isByHand) => {
  await made(world, id, plain(TWO_REGIONS, { sigil: RULE }));
  if (isByHand) await ended(world, [await byHand.demote(world, id)]);
  await putThrough(
    world,
    id,
    isByHand
      ? plain(TWO_REGIONS, { sigil: { promotion: { when: "manual" } } })
      : plain(TWO_REGIONS, OUT),
  );
  expect(await isExcluded(world, id)).toBe(true);
  expect(
    await putThrough(world, id, plain(TWO_REGIONS, { sigil: RULE })),
  ).toMatchObject({ status: "Succeeded" });
  expect(await isExcluded(world, id)).toBe(false);
});

test("a tag of an update that was canceled out of one with others is taken away by a body without it", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const tagged = operationIn(
    await put(world, id, plain(TWO_REGIONS, { tags: { t: "1" } })),
  );
  const other = operationIn(await patch(world, id, { tags: { v: "1" } }));
  await world.runDue();
  expect((await shownIn(world, id)).tags).toEqual({ t: "1", v: "1" });
  await cancel(world, tagged);
  await ended(world, [other]);
  await putThrough(world, id, plain(TWO_REGIONS, { tags: { v: "1" } }));
  expect((await shownIn(world, id)).tags).toEqual({ v: "1" });
});

test("a tag of an update that failed is taken away by a body without it", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const tags = { a: "1", b: "1" };
  const tagged = operationIn(
    await put(world, id, plain(TWO_REGIONS, { tags })),
  );
  const [failed] = await ended(world, [tagged], () =>
    world.simulator.control.editVersion({ versionId: id, tags: { a: null } }),
  );
  expect(failed).toMatchObject({ error: { code: "OverriddenByAzure" } });
  expect((await shownIn(world, id)).tags).toEqual({ b: "1" });
  await putThrough(world, id, plain(TWO_REGIONS));
  expect((await shownIn(world, id)).tags ?? {}).toEqual({});
});

test("a cancel while the update that it shares has no answer yet does not say that Azure has it", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const tagged = operationIn(
    await put(world, id, plain(TWO_REGIONS, { tags: { t: "1" } })),
  );
  const other = operationIn(await patch(world, id, { tags: { v: "1" } }));
  putFault({ status: 429 });
  let canceled: OperationRecord | undefined;
  const deps = asPutIsSent(async () => {
    canceled = await cancel(world, tagged);
  });
  while (canceled === undefined)
    for (const message of await world.takeDue())
      await world.handle(message, deps);
  expect(canceled.history.at(-1)?.message).toContain("Azure may carry it out");
  await ended(world, [other]);
  expect((await shownIn(world, id)).tags).toEqual({ v: "1" });
});

test("the version of a canceled creation stays in latest where another body says again, in words, that it shall be", async () => {
  const inWords = { publishing: { excludeFromLatest: false } };
  await world.simulator.control.setSucceededWhen("homeRegion");
  await world.simulator.control.stallRegion({
    versionId: id,
    region: "eastus2",
  });
  const creation = operationIn(
    await put(world, id, plain(TWO_REGIONS, inWords)),
  );
  await pass(world, 900_000);
  const other = operationIn(
    await put(world, id, plain(THREE_REGIONS, inWords)),
  );
  await cancel(world, creation);
  await ended(world, [creation]);
  await world.simulator.control.resumeRegion({
    versionId: id,
    region: "eastus2",
  });
  expect(await ended(world, [other])).toMatchObject([{ status: "Succeeded" }]);
  await world.simulator.control.setSucceededWhen("everyRegion");
  expect(await isExcluded(world, id)).toBe(false);
});

test("a rule is of the life of the version that it was asked of: a patch of another one promotes nothing", async () => {
  await made(world, id, plain(TWO_REGIONS, { sigil: RULE }));
  await outside(world, "DELETE", id);
  await outside(world, "PUT", id, foreign(plain(TWO_REGIONS, OUT)));
  const patched = operationIn(await patch(world, id, { tags: { a: "1" } }));
  expect(await ended(world, [patched])).toMatchObject([
    { status: "Succeeded" },
  ]);
  expect(await isExcluded(world, id)).toBe(true);
});

/** A key is said to be broken, or to work, by all at the same moment, whoever saw it; it is told once, by whoever saw it first. */
import { HttpRequest, InvocationContext, type HttpResponseInit } from "@azure/functions";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { imageVersionHandlers } from "../../../src/http/image-version-handlers.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { promoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import type { ImageVersionView } from "../../../src/image-version/contract.js";
import type { KeyReader } from "../../../src/keys/ports.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { openedKeys, withKeys } from "../../../src/image-version/queries/keys.js";
import { createSummaries } from "../../../src/image-version/queries/summaries.js";
import { runKeyGuardian } from "../../../src/key-guardian/run-key-guardian.js";
import { pathOf } from "../../support/api-client.js";
import { idOf, noting, revocationOf, TRACEPARENT } from "../../support/dependencies.js";
import { naming } from "../../support/naming.js";
import { managedImageRequest } from "../../support/requests.js";
import { document, validator } from "../../unit/http/contract/document.js";
import { KEY, OS, startGuarded, VAULT, type Guarded } from "../key-guardian/support.js";

const KEY_READ = "Microsoft.KeyVault/vaults/keys/versions/read";
const AT_RISK = "Sigil.ImageVersion.KeyAtRisk";
const SAFE = "Sigil.ImageVersion.KeySafe";

let world: Guarded;
let image: string;
let a: Instance;
let b: Instance;
beforeAll(async () => {
  // No two reads begin at the same time.
  world = await startGuarded({ callMs: 1 });
});
afterAll(() => world.close());
beforeEach(async () => {
  image = await world.define();
  await world.publish(`${image}/versions/1.0.0`);
  world.clock.advance(60 * 60_000);
  a = instance();
  b = instance();
  await a.guard();
  world.clock.advance(60_000);
  await world.takeTold();
});
afterEach(async () => {
  await world.simulator.control.allowAction({ action: KEY_READ });
  await world.setKey({});
  world.clock.advance(60_000);
  await a.guard();
});

type Instance = ReturnType<typeof instance>;

/** What an instance says, and whoever looks on it. */
function instance(change: (deps: Dependencies) => Dependencies = (deps) => deps) {
  const deps = noting(change(world.instance()));
  const { keyGuardian } = deps;
  if (keyGuardian === undefined) throw new Error("nobody looks after keys");
  const id = idOf(`${image}/versions/1.0.0`);
  const summarize = createSummaries(deps);
  const open = async (refresh = false) => {
    const version = await getImageVersion(deps, id);
    return openedKeys(deps, image, version, true, refresh);
  };
  return {
    open,
    /** What GET answers under `sigil`. */
    get: async (query: string) => {
      const { status, body } = (await handlers(deps).getImageVersion(
        new HttpRequest({
          method: "GET",
          url: `https://sigil.example/api${pathOf(`${image}/versions/1.0.0`)}${query}`,
          params: { ...id },
        }),
        new InvocationContext(),
      )) as HttpResponseInit & { readonly body: string };
      expect(status, body).toBe(200);
      const { sigil } = JSON.parse(body) as ImageVersionView;
      return sigil;
    },
    state: async (refresh?: boolean) => (await open(refresh))?.state,
    /** What a page of versions has of it. */
    listed: async () => {
      const [[, keys] = []] = await withKeys(deps, image, [await getImageVersion(deps, id)]);
      return keys?.problems.map(({ code }) => code);
    },
    /** When the version's sets were seen, as the summary, a page, and a version that reads no key say. */
    seenTimes: async () => {
      const version = await getImageVersion(deps, id);
      const [[, listed] = []] = await withKeys(deps, image, [version]);
      const { view } = await summarize(image);
      const [ofSummary] = (view.keys ?? []).map(({ seenTime }) => seenTime).sort();
      const opened = await openedKeys(deps, image, version, false);
      return [ofSummary, listed?.seenTime, opened?.seenTime];
    },
    /** What the command line lists. */
    list: async () => {
      const { view } = await summarize(image);
      const of = view.keys?.find(({ diskEncryptionSet: at }) => view.diskEncryptionSets[at] === OS);
      return of?.problems.map(({ code }) => code);
    },
    plan: async () => {
      const { findings } = await planImageVersion(deps, {
        id: idOf(`${image}/versions/1.0.1`),
        body: managedImageRequest(),
      });
      return findings.filter(({ severity }) => severity === "error").map(({ code }) => code);
    },
    create: (plan?: "require") =>
      putImageVersion(deps, {
        id: idOf(`${image}/versions/1.0.1`),
        body: managedImageRequest(),
        requestedBy: { appId: "test" },
        traceparent: TRACEPARENT,
        ...(plan && { plan }),
      }),
    promote: () =>
      promoteImageVersion(deps, { id, requestedBy: { appId: "test" }, traceparent: TRACEPARENT }),
    guard: () => runKeyGuardian({ ...deps, ...keyGuardian }, TRACEPARENT),
    stored: async () =>
      (await keyGuardian.keyStates.read(image))?.document.sets.find(
        ({ diskEncryptionSetId }) => diskEncryptionSetId === OS,
      ),
  };
}

function handlers(deps: Dependencies) {
  const authenticate = () => Promise.resolve({ appId: "reader", roles: ["ImageVersions.Read"] });
  return imageVersionHandlers(
    createEndpoint({ document, validator, authenticator: { authenticate } }),
    deps,
    () => [],
    () => Promise.resolve({}),
    revocationOf(deps).revocations,
  );
}

const told = async () =>
  (await world.takeTold()).filter(({ subject }) => subject === image).map(({ type }) => type);

/** Reads of sets and keys since the last call. */
function keyReads(): number {
  const { control } = world.simulator;
  const reads = control
    .requests()
    .filter(({ path }) => /diskEncryptionSets|Microsoft\.KeyVault/u.test(path)).length;
  control.clearRequests();
  return reads;
}

/** The keys of an instance, each read of which is answered by what was there when it began, once `answer` is called. */
function held() {
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const holding = (deps: Dependencies): Dependencies => {
    if (deps.keyGuardian === undefined) return deps;
    const { keyReader } = deps.keyGuardian;
    let isFirst = true;
    const getKey: KeyReader["getKey"] = async (...of) => {
      const key = await keyReader.getKey(...of);
      if (isFirst && of[1] === "WestUSDiskEncryptionSet1") {
        isFirst = false;
        begin();
        await answered;
      }
      return key;
    };
    return { ...deps, keyGuardian: { ...deps.keyGuardian, keyReader: { ...keyReader, getKey } } };
  };
  return { holding, begun, answer };
}

test("a key that is disabled, and a promotion that is refused for it: all say so at once, and one event tells it", async () => {
  expect(await b.state()).toBe("Safe");
  await world.setKey({ enabled: false });
  world.clock.advance(30_000);
  const refused = {
    code: "KeyAtRisk",
    message: expect.stringMatching(/^1\.0\.0 was not/u) as string,
  };
  await Promise.all([
    expect(a.promote()).rejects.toMatchObject(refused),
    expect(a.promote()).rejects.toMatchObject(refused),
    a.guard(),
    b.guard(),
  ]);
  expect(await told()).toEqual([AT_RISK]);
  keyReads();
  expect(await a.state()).toBe("AtRisk");
  expect(await a.list()).toEqual(["KeyDisabled"]);
  expect(keyReads()).toBe(0);
  expect(await a.plan()).toEqual(["KeyDisabled"]);
  keyReads();
  expect(await b.state()).toBe("AtRisk");
  expect(await b.list()).toEqual(["KeyDisabled"]);
  expect(keyReads()).toBe(0);
  expect(await told()).toEqual([]);
});

test.each(["promote", "plan", "open"] as const)(
  "whoever sees a key broken has it stored and told: %s",
  async (reader) => {
    await world.setKey({ enabled: false });
    await a[reader]().catch((error: unknown) => {
      expect(error).toBeInstanceOf(ServiceError);
    });
    expect(await b.list()).toEqual(["KeyDisabled"]);
    expect(await told()).toEqual([AT_RISK]);
  },
);

test("a plan that sees the set itself broken has it stored and told", async () => {
  const { control } = world.simulator;
  const set = control.resources().find(({ id }) => id === OS);
  if (set === undefined) throw new Error(`${OS} is not there`);
  await control.putResource({
    ...set,
    properties: { ...set.properties, provisioningState: "Failed" },
  });
  try {
    expect(await a.plan()).toEqual(["DiskEncryptionSetNotReady"]);
    expect(await b.list()).toEqual(["DiskEncryptionSetNotReady"]);
    expect(await told()).toEqual([AT_RISK]);
  } finally {
    await control.putResource(set);
  }
});

test("who acts takes what another has seen working in the last 15 s, a plan in the last 30 s; what is broken is read again", async () => {
  keyReads();
  expect(await a.plan()).toEqual([]);
  expect(keyReads()).toBeGreaterThan(0);
  world.clock.advance(10_000);
  await a.promote();
  expect(keyReads()).toBe(0);
  await world.setKey({ enabled: false });
  world.clock.advance(15_000);
  expect(await a.plan()).toEqual([]);
  expect(keyReads()).toBe(0);
  await expect(a.create("require")).rejects.toMatchObject({ code: "PreflightFailed" });
  expect(await a.plan()).toEqual(["KeyDisabled"]);
  await world.setKey({});
  expect(await a.plan()).toEqual([]);
});

test("a plan does not pass with a key that any instance has seen broken for the image definition", async () => {
  expect(await b.plan()).toEqual([]);
  await world.setKey({ enabled: false });
  world.clock.advance(20_000);
  expect(await b.plan()).toEqual([]);
  await expect(a.promote()).rejects.toMatchObject({ code: "KeyAtRisk" });
  expect(await b.plan()).toEqual(["KeyDisabled"]);
});

test("whoever opens a version, or promotes it, reads its sets from one list where they are more than a few", async () => {
  for (const read of [() => b.open(true), () => a.promote()]) {
    world.clock.advance(30_000);
    world.simulator.control.clearRequests();
    await read();
    const paths = world.simulator.control.requests().map(({ path }) => path);
    expect(paths.filter((path) => /\/diskEncryptionSets$/u.test(path))).not.toEqual([]);
    expect(paths.filter((path) => /\/diskEncryptionSets\/[^/]+$/u.test(path))).toEqual([]);
  }
});

test("a key that is enabled again is said to work 30 s later, by refresh after five, and told once", async () => {
  await world.setKey({ enabled: false });
  expect(await a.state()).toBe("AtRisk");
  await world.setKey({});
  world.clock.advance(5_000);
  expect(await a.state()).toBe("AtRisk");
  expect(await a.state(true)).toBe("Safe");
  expect(await told()).toEqual([AT_RISK, SAFE]);
  expect(await b.state()).toBe("Safe");
  await world.setKey({ enabled: false });
  world.clock.advance(30_000);
  expect(await b.state()).toBe("AtRisk");
  await world.setKey({});
  world.clock.advance(30_000);
  expect(await b.state()).toBe("Safe");
});

describe("whoever stores a key's state and dies before it is told", () => {
  test.each([
    ["is killed", new Error("killed")],
    [
      "does not reach the topic",
      new ServiceError("DependencyUnavailable", "no", { retryAfterMs: 1 }),
    ],
  ])("%s: the next run tells it, under its id", async (_, error) => {
    await world.setKey({ enabled: false });
    const dying = instance((deps) => ({
      ...deps,
      events: { publish: () => Promise.reject(error) },
    }));
    await expect(dying.promote()).rejects.toThrow(
      error instanceof ServiceError ? "was not promoted" : error.message,
    );
    expect(await told()).toEqual([]);
    const document = await world.guardian.keyStates.read(image);
    const ids = document?.document.untold.map(({ id }) => id);
    expect(ids).toHaveLength(1);
    world.clock.advance(60 * 60_000);
    await b.guard();
    const events = (await world.takeTold()).filter(({ subject }) => subject === image);
    expect(events.map(({ id }) => id)).toEqual(ids);
    expect((await world.guardian.keyStates.read(image))?.document.untold).toEqual([]);
  });
});

test("what another instance stores while one publishes stays stored until it is published", async () => {
  const { keyStates } = world.guardian;
  await world.setKey({ enabled: false });
  const slow = instance((deps) => ({
    ...deps,
    events: {
      async publish(events) {
        const stored = await keyStates.read(image);
        const untold = (stored?.document.untold ?? []).flatMap((one) => [
          one,
          { ...one, id: "another" },
        ]);
        if (stored) await keyStates.put({ ...stored.document, untold }, stored.etag);
        await deps.events.publish(events);
      },
    },
  }));
  await expect(slow.promote()).rejects.toThrow("was not promoted");
  const document = (await keyStates.read(image))?.document;
  expect(document?.untold.map(({ id }) => id)).toEqual(["another"]);
});

test("a key that may not be read is never safe: why is said, by the other instance too, and nothing is told", async () => {
  await world.simulator.control.denyAction({ action: KEY_READ, scope: KEY });
  const keys = await a.open();
  expect(keys).toMatchObject({ state: "Unknown", notSeen: [{ code: "InsufficientPermission" }] });
  expect(keys?.notSeen[0]?.message).toMatch(
    new RegExp(`: az role assignment create --assignee .+ --role "Reader" --scope ${VAULT}$`, "u"),
  );
  keyReads();
  expect(await b.state()).toBe("Unknown");
  // The other three, with their keys: that they work was stored a minute ago.
  expect(keyReads()).toBe(6);
  expect(await told()).toEqual([]);
  world.clock.advance(5_000);
  for (let i = 0; i < 50; i += 1) expect(await a.state(true)).toBe("Unknown");
  const { control } = world.simulator;
  expect(control.countRequests({ path: "/keys/WestUSDiskEncryptionSet1/" })).toBe(1);
});

describe("where Azure's limit lets nothing be read", () => {
  afterEach(() => {
    world.simulator.control.clearFaults();
  });
  const refuse = (): string =>
    world.simulator.control.addFault({
      path: "KeyVault|diskEncryptionSets",
      status: 429,
      times: null,
    });

  test("what was seen before stands with its time, and a warning says so", async () => {
    const before = await a.get("?expand=keys");
    expect(before.warnings).toBeUndefined();
    world.clock.advance(61_000);
    refuse();
    const after = await a.get("?expand=keys");
    expect(after.keys).toEqual(before.keys);
    expect(after.warnings).toEqual([
      expect.objectContaining({
        code: "KeyNotSeen",
        pointer: "/sigil/keys",
        message: naming([before.keys?.seenTime]),
      }),
    ]);
    expect((await a.get("")).warnings).toBeUndefined();
    expect(await told()).toEqual([]);
  });

  test("but what another has stored since counts", async () => {
    expect(await a.state()).toBe("Safe");
    await world.setKey({ enabled: false });
    world.clock.advance(1_000);
    await expect(b.promote()).rejects.toMatchObject({ code: "KeyAtRisk" });
    expect(await told()).toEqual([AT_RISK]);
    world.clock.advance(60_000);
    refuse();
    expect(await a.state()).toBe("AtRisk");
    expect(await told()).toEqual([]);
  });
});

describe("of two looks, one before and one after a key is changed, the later one counts", () => {
  test("though that of a guardian that saw it disabled ends later", async () => {
    await world.setKey({ enabled: false });
    await a.promote().catch(() => undefined);
    expect(await told()).toEqual([AT_RISK]);
    const { holding, begun, answer } = held();
    const run = instance(holding).guard();
    await begun;
    await world.setKey({});
    world.clock.advance(1_000);
    await b.promote();
    expect(await told()).toEqual([SAFE]);
    answer();
    await run;
    expect(await told()).toEqual([]);
    expect(await b.stored()).toMatchObject({ problems: [] });
  });

  test("though that of a guardian that saw it work ends later", async () => {
    const { holding, begun, answer } = held();
    const run = instance(holding).guard();
    await begun;
    await world.setKey({ enabled: false });
    world.clock.advance(1_000);
    await expect(b.promote()).rejects.toMatchObject({ code: "KeyAtRisk" });
    answer();
    await run;
    expect(await told()).toEqual([AT_RISK]);
    expect(await b.stored()).toMatchObject({ problems: [{ code: "KeyDisabled" }] });
  });
});

test("a reader writes nothing of keys that are as stored, and once of one that is not", async () => {
  const { keyStates } = world.guardian;
  let writes = 0;
  const counting = instance((deps) => ({
    ...deps,
    ...(deps.keyGuardian && {
      keyGuardian: {
        ...deps.keyGuardian,
        keyStates: {
          read: (id) => keyStates.read(id),
          put: (...of) => {
            writes += 1;
            return keyStates.put(...of);
          },
        },
      },
    }),
  }));
  for (let i = 0; i < 3; i += 1) {
    expect(await counting.state(true)).toBe("Safe");
    world.clock.advance(30_000);
  }
  expect(writes).toBe(0);
  await world.setKey({ enabled: false });
  for (let i = 0; i < 3; i += 1) {
    expect(await counting.state(true)).toBe("AtRisk");
    world.clock.advance(30_000);
  }
  // It is stored, and then that it is told.
  expect(writes).toBe(2);
});

test("a look without news is shown with its time by all of the same instance, without a read or a write", async () => {
  const [before] = await a.seenTimes();
  const opened = await a.open();
  expect(opened?.seenTime).not.toBe(before);
  world.clock.advance(3_000); // How long a summary is kept.
  keyReads();
  expect(await a.seenTimes()).toEqual(Array.from({ length: 3 }, () => opened?.seenTime));
  expect(keyReads()).toBe(0);
  expect(await b.seenTimes()).toEqual(Array.from({ length: 3 }, () => before));
});

test("a working set that the guardian has yet to see is stored by whoever opens it, and no event tells it", async () => {
  image = await world.define();
  await world.publish(`${image}/versions/1.0.0`);
  await world.takeTold();
  const one = instance();
  const other = instance();
  expect(await other.list()).toBeUndefined();
  expect(await one.state()).toBe("Safe");
  world.clock.advance(3_000); // How long a summary is kept.
  expect(await other.list()).toEqual([]);
  expect(await told()).toEqual([]);
});

test("a set that is of another type than the version was made with is a problem to whoever looks", async () => {
  const { control } = world.simulator;
  const set = control.resources().find(({ id }) => id === OS);
  if (set === undefined) throw new Error("it is not there");
  const encryptionType = "EncryptionAtRestWithPlatformAndCustomerKeys";
  await control.putResource({ ...set, properties: { ...set.properties, encryptionType } });
  onTestFinished(() => control.putResource(set));
  await a.guard();
  const codes = ["DiskEncryptionSetTypeChanged"];
  expect([await b.list(), await b.listed(), await b.state()]).toEqual([codes, codes, "AtRisk"]);
});

/** Plays a story: the product's own code, the simulator of ARM, a clock, and everything that may go wrong between them. */
import { expect } from "vitest";
import { ServiceError } from "../../src/errors.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../src/image-version/commands/promote.js";
import { retryImageVersion } from "../../src/image-version/commands/retry.js";
import { deleteImageVersion } from "../../src/image-version/commands/delete.js";
import { patchImageVersion, putImageVersion } from "../../src/image-version/commands/put.js";
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type { Dependencies } from "../../src/image-version/ports.js";
import { createLooks } from "../../src/image-version/queries/looks.js";
import { cancelOperation } from "../../src/operation/canceling.js";
import { reconcile } from "../../src/operation/reconcile.js";
import type { OperationRecord } from "../../src/operation/records.js";
import { formatImageVersionId, keyOf } from "../../src/resource-id.js";
import { createObjections } from "../../src/objections.js";
import { lookAfter } from "../../src/rollout/roll-out.js";
import type { RolloutDependencies } from "../../src/rollout/ports.js";
import { idOf, revocationOf, TRACEPARENT, type InProcess } from "../support/dependencies.js";
import { failingDependencies, Killed } from "../support/failing-dependencies.js";
import { expectListed } from "../support/listed.js";
import { seedResource } from "../support/requests.js";
import { canonical, factsOf, regionsIn, type Facts, type Wire } from "./facts.js";
import { Oracle, type Request } from "./oracle.js";
import { HOME, REGIONS, type Body, type FAULTS, type Step, type Story } from "./steps.js";

const BY = { requestedBy: { appId: "operator" }, traceparent: TRACEPARENT };
/** No operation takes longer, once nothing is in its way. */
const MOST_ROUNDS = 400;

export class Play {
  readonly lines: string[] = [];
  readonly #world: InProcess;
  readonly #versions: readonly string[];
  readonly #lagMs: number;
  readonly #oracle: Oracle;
  /** Of requests, which do not die. */
  readonly #deps: Dependencies;
  readonly #process: ReturnType<typeof failingDependencies<Dependencies>>;
  readonly #rollout: RolloutDependencies;

  constructor(world: InProcess, versions: readonly string[], { lagMs, crashes, seed }: Story) {
    this.#world = world;
    this.#versions = versions;
    this.#lagMs = lagMs;
    this.#oracle = new Oracle((line) => this.#say(line));
    const resourceManager = this.#judged(world.deps.resourceManager);
    const deps: Dependencies = {
      ...world.deps,
      resourceManager,
      looks: createLooks(resourceManager, world.deps.resources, world.deps.now),
      events: {
        publish: async (events) => {
          await world.deps.events.publish(events);
          for (const { id, type } of events) this.#oracle.told(type, id);
        },
      },
      objections: createObjections(() => ({
        gates: [],
        freezes: world.freezes,
        revocations: revocationOf(deps).revocations,
        retention: { policies: world.policies, ...revocationOf(deps) },
        rollout: this.#rollout,
      })),
    };
    this.#deps = deps;
    this.#rollout = {
      imageVersions: deps,
      machineTests: deps as never,
      results: { list: () => Promise.resolve([]) },
    };
    if (crashes !== undefined) this.#oracle.isDisturbed = true;
    this.#process = failingDependencies(
      deps,
      keyOf(versions[0] ?? ""),
      crashes === undefined ? undefined : { seed, every: crashes },
    );
  }

  #say(line: string): void {
    const at = Math.round((this.#world.clock.now() % 86_400_000) / 1_000);
    this.lines.push(`${at} ${line}`);
  }

  /** Every call of the product on a version is judged. */
  #judged(real: Dependencies["resourceManager"]): Dependencies["resourceManager"] {
    const oracle = this.#oracle;
    const now = () => this.#world.clock.now();
    return {
      ...real,
      getImageVersion: async (id) => {
        const found = await real.getImageVersion(id);
        oracle.looked(formatImageVersionId(id), {
          atMs: now(),
          facts: found && factsOf(found.resource),
          regions: new Map(found?.regions.map(({ name, state }) => [name, state])),
        });
        return found;
      },
      putImageVersion: (id, body) => {
        const facts = factsOf(body);
        this.#say(`PUT of ${id.versionName}: ${JSON.stringify(facts)}`);
        oracle.put(formatImageVersionId(id), facts, now());
        return real.putImageVersion(id, body);
      },
      deleteImageVersion: (id) => {
        this.#say(`DELETE of ${id.versionName}`);
        oracle.deletes(formatImageVersionId(id), now());
        return real.deleteImageVersion(id);
      },
    };
  }

  async #arm(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const {
      armOptions: { endpoint, scope, credential },
      simulator,
    } = this.#world;
    const answered = await simulator.answer({
      method,
      url: `${endpoint}${path}?api-version=2025-12-03&by=others`,
      headers: {
        authorization: `Bearer ${(await credential.getToken(scope))?.token}`,
        "content-type": "application/json",
      },
      body: body === undefined ? "" : JSON.stringify(body),
    });
    return {
      status: answered?.status ?? 0,
      body: answered?.body ? JSON.parse(answered.body) : undefined,
    };
  }

  /** What Azure has, however far its replicas are behind. */
  async #truth(version: string): Promise<Facts | undefined> {
    const wire = await this.#wire(version);
    return wire && factsOf(wire);
  }

  async #wire(version: string): Promise<Wire | undefined> {
    const { control } = this.#world.simulator;
    await control.setLag({ ms: 0 });
    const { status, body } = await this.#arm("GET", version);
    await control.setLag({ ms: this.#lagMs });
    return status === 200 ? (body as Wire) : undefined;
  }

  async play({ first, steps }: Story): Promise<void> {
    await this.#take({ does: "put", which: 0, body: first, remove: undefined });
    for (const step of steps) await this.#take(step);
    await this.#settle();
  }

  async #take(step: Step): Promise<void> {
    this.#say(JSON.stringify(step));
    const {
      clock,
      simulator: { control },
    } = this.#world;
    const version = ("which" in step && this.#versions[step.which]) || (this.#versions[0] ?? "");
    const id = idOf(version);
    const had = await this.#truth(version);
    const removal = "remove" in step ? this.#removalOf(step.remove, version, had) : undefined;
    switch (step.does) {
      case "put": {
        const { body, remove } = step;
        const regions = Object.fromEntries(
          Object.entries(body.regions).filter(([name]) => name !== remove),
        );
        return this.#ask(
          step.does,
          version,
          asksOf(regions, { build: body.tag }, removal),
          true,
          async () => {
            const answer = await putImageVersion(this.#deps, {
              id,
              ...BY,
              body: requestOf({ ...body, regions }),
              ...(remove && { removeRegions: [remove] }),
            });
            return answer.kind === "accepted" ? answer.operation : undefined;
          },
        );
      }
      case "patch": {
        const { tags, excluded, remove } = step;
        const merge = {
          tags,
          ...(excluded !== undefined && {
            properties: { publishingProfile: { excludeFromLatest: excluded } },
          }),
        };
        const asks = asksOf(
          {},
          Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, value ?? null])),
          removal,
        );
        return this.#ask(step.does, version, asks, excluded !== undefined, async () => {
          const answer = await patchImageVersion(this.#deps, {
            id,
            ...BY,
            patch: merge,
            validate: () => [],
            allowNoLatest: true,
            ...(remove && { removeRegions: [remove] }),
          });
          return answer.kind === "accepted" ? answer.operation : undefined;
        });
      }
      case "promote":
        return this.#ask(step.does, version, new Map(), true, () =>
          promoteImageVersion(this.#deps, { id, ...BY }),
        );
      case "demote": {
        const out = regionsIn(had ?? {}).map((name) => [`latest/${name}`, "out"] as const);
        return this.#ask(step.does, version, new Map(out), true, () =>
          demoteImageVersion(this.#deps, {
            id,
            ...BY,
            allowNoLatest: true,
          }),
        );
      }
      case "retry":
        return this.#ask(step.does, version, new Map(), false, () =>
          retryImageVersion(this.#deps, { id, ...BY }),
        );
      case "delete":
        return this.#ask(step.does, version, new Map(), true, () =>
          deleteImageVersion(this.#deps, {
            id,
            ...BY,
            allowNoLatest: true,
          }),
        );
      case "cancel": {
        const open = this.#oracle.requests.filter(({ end }) => end === undefined);
        const found = open[step.nth % Math.max(1, open.length)];
        if (found === undefined) return;
        clock.advance(1); // what was looked at before is older
        await this.#allowed(async () => cancelOperation(this.#deps, found.id, BY.requestedBy));
        found.canceledMs = clock.now();
        return this.#judgeEnds();
      }
      case "work":
        for (let round = 0; round < step.nth; round += 1) await this.#work();
        return;
      case "wait":
        clock.advance(step.seconds * 1_000);
        return;
      case "rollouts":
        return this.#runRollouts();
      case "stop":
        this.#oracle.isDisturbed = true;
        return control.failRegion({ versionId: version, region: step.region });
      case "fault":
        return this.#fault(step.how, step.times);
      default:
        // Before its first fact Sigil cannot tell what it has made from what others have made of it.
        if (had === undefined || !(await this.#isKnown(version))) return;
        await this.#others(step, version);
        this.#oracle.edited(version, clock.now(), had, await this.#truth(version));
    }
  }

  /** A fact has shown the present life. */
  async #isKnown(version: string): Promise<boolean> {
    const stored = await this.#deps.store.read(keyOf(version));
    return stored?.record.status !== undefined && this.#oracle.hasSeen(version);
  }

  /** A region that was never in the version is not removed: that asks nothing. */
  #removalOf(
    region: string | undefined,
    version: string,
    had: Facts | undefined,
  ): string | undefined {
    const name = `count/${region}`;
    const isAsked = this.#oracle.requests.some(
      (one) => one.version === version && one.end === undefined && one.asks.get(name) !== undefined,
    );
    return isAsked || had?.[name] !== undefined ? region : undefined;
  }

  #fault(how: (typeof FAULTS)[number], times: number): void {
    const { control } = this.#world.simulator;
    this.#oracle.isDisturbed ||= how !== "throttled";
    const path = "/versions/(?!.*by=others)"; // what others send, and the model to see the truth, meets no fault
    switch (how) {
      case "throttled":
        return void control.addFault({
          path,
          times,
          status: 429,
          headers: { "Retry-After": "20" },
        });
      case "busy":
        return void control.addFault({
          path,
          times,
          method: "PUT",
          status: 409,
        });
      case "refused":
        return void control.addFault({
          path,
          times,
          method: "PUT",
          status: 400,
          body: { error: { code: "BadRequest", message: "A fault." } },
        });
      case "lost before":
        return void control.addFault({
          path,
          times,
          method: "PUT",
          action: "reset",
        });
      case "lost after":
        return void control.addFault({
          path,
          times,
          method: "PUT",
          action: "reset-after-processing",
        });
    }
  }

  async #others(
    step: Extract<Step, { does: "edit" | "drop" | "break" | "give up" | "remove" | "remake" }>,
    versionId: string,
  ): Promise<void> {
    const {
      clock,
      simulator: { control },
    } = this.#world;
    const gone = async (): Promise<void> => {
      await this.#arm("DELETE", versionId);
      for (let looks = 0; looks < 100 && (await this.#truth(versionId)) !== undefined; looks += 1)
        clock.advance(10_000);
    };
    try {
      switch (step.does) {
        case "edit":
          return await control.editVersion({
            versionId,
            tags: step.tags,
            properties: {
              publishingProfile: {
                ...(step.excluded !== undefined && {
                  excludeFromLatest: step.excluded,
                }),
                ...(step.held !== undefined && {
                  targetRegions: await this.#holding(step.held, versionId),
                }),
              },
            },
          });
        case "drop":
          return await control.dropRegion({ versionId, region: step.region });
        case "break":
          return await control.setRegionState({
            versionId,
            region: step.region,
            state: "Failed",
          });
        case "give up":
          return await control.failOperation({
            versionId,
            code: "InternalExecutionError",
            message: "An internal execution error occurred.",
          });
        case "remove":
          return await gone();
        case "remake":
          await gone();
          this.#oracle.ended(versionId, clock.now());
          await this.#arm(
            "PUT",
            versionId,
            requestOf({
              regions: { [HOME]: 1 },
              tag: "theirs",
              excluded: undefined,
              rule: false,
            }),
          );
      }
    } catch (error) {
      nothingThere(error);
    }
  }

  /** The regions as they are, that one held back by its own flag. */
  async #holding(held: string, version: string): Promise<readonly object[]> {
    const { publishingProfile } = (await this.#wire(version))?.properties ?? {};
    return (publishingProfile?.targetRegions ?? []).map((region) =>
      canonical(region.name) === held ? { ...region, excludeFromLatest: true } : region,
    );
  }

  async #runRollouts(): Promise<void> {
    for (const version of this.#versions) {
      await this.#allowed(() => lookAfter(this.#rollout, version, TRACEPARENT));
      const stored = await this.#deps.store.read(keyOf(version));
      for (const { id, kind } of stored ? [stored.operation, ...stored.record.members] : [])
        if (kind === "PromoteImageVersion")
          this.#accepted("rule", version, { id }, new Map(), true);
    }
  }

  /** What is refused is refused by name. */
  async #allowed<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.#say(`refused: ${error.code} ${error.message}`);
      return undefined;
    }
  }

  async #ask(
    kind: Request["kind"],
    version: string,
    asks: Request["asks"],
    ofLatest: boolean,
    send: () => Promise<OperationRecord | undefined>,
  ): Promise<void> {
    const atMs = this.#world.clock.now();
    const operation = await this.#allowed(send);
    if (operation !== undefined) this.#accepted(kind, version, operation, asks, ofLatest, atMs);
    await this.#judgeEnds();
  }

  #accepted(
    kind: string,
    version: string,
    { id }: Pick<OperationRecord, "id">,
    asks: Request["asks"],
    ofLatest: boolean,
    atMs = this.#world.clock.now(),
  ): void {
    // The answer may be an operation that asks the same.
    if (this.#oracle.requests.some((one) => one.id === id)) return;
    this.#say(`${kind} is ${id}`);
    const regions = [...asks].flatMap(([name, value]) =>
      name.startsWith("count/") && value !== undefined ? [name.slice("count/".length)] : [],
    );
    this.#oracle.requests.push({
      id,
      kind,
      version,
      atMs,
      asks,
      ofLatest,
      regions,
    });
  }

  /** Takes what is due, or lets time go by until something is. */
  async #work(): Promise<number> {
    const due = await this.#world.takeDue();
    for (const message of due)
      for (let delivery = 0; ; delivery += 1)
        try {
          await this.#world.handle(message, this.#process.deps);
          break;
        } catch (error) {
          if (!(error instanceof Killed) && !(error instanceof ServiceError)) throw error;
          this.#say(String(error));
          this.#process.restart();
          if (delivery >= 9) throw error;
        }
    await this.#judgeEnds();
    if (due.length === 0) {
      this.#world.clock.advance(15_000);
      await reconcile(this.#deps);
    }
    return due.length;
  }

  async #judgeEnds(): Promise<void> {
    for (const request of this.#oracle.requests) {
      if (request.end !== undefined) continue;
      const operation = (await this.#deps.store.readOperation(request.id))?.operation;
      if (operation?.endTime !== undefined) this.#oracle.end(request, operation);
    }
  }

  /** Nothing disturbs any more: all comes to its end, in few steps, and then nothing goes on. */
  async #settle(): Promise<void> {
    const {
      clock,
      simulator: { control },
    } = this.#world;
    control.clearFaults();
    this.#say("calm");
    for (const versionId of this.#versions)
      for (const region of REGIONS)
        await control.resumeRegion({ versionId, region }).catch(nothingThere);
    let steps = 0;
    for (let round = 0; this.#oracle.requests.some(({ end }) => end === undefined); round += 1) {
      steps += await this.#work();
      if (steps > MOST_ROUNDS || round > 20 * MOST_ROUNDS)
        throw new Error(`Wrong: it does not end after ${steps} steps`);
    }
    for (let round = 0; round < 5; round += 1) {
      clock.advance(600_000);
      await this.#work();
    }
    expect(await this.#world.takeDue(), "steps after the end").toEqual([]);
    for (const version of this.#versions) this.#oracle.finish(version, await this.#truth(version));
    await expectListed(this.#deps, this.#versions);
  }
}

/** There is nothing of the kind to be changed. */
function nothingThere(error: unknown): void {
  if (!(error instanceof TypeError)) throw error;
}

function asksOf(
  regions: Readonly<Record<string, number>>,
  tags: Readonly<Record<string, string | null | undefined>>,
  remove: string | undefined,
): ReadonlyMap<string, string | undefined> {
  return new Map([
    ...Object.entries(regions).map(
      ([name, count]) => [`count/${canonical(name)}`, String(count)] as const,
    ),
    ...Object.entries(tags).flatMap(([name, value]) =>
      value === undefined ? [] : [[`tag/${name}`, value ?? undefined] as const],
    ),
    ...(remove === undefined ? [] : [[`count/${remove}`, undefined] as const]),
  ]);
}

function requestOf({ regions, tag, excluded, rule }: Body): ImageVersionRequest {
  return {
    location: HOME,
    ...(tag !== undefined && { tags: { build: tag } }),
    properties: {
      publishingProfile: {
        targetRegions: Object.entries(regions).map(([name, regionalReplicaCount]) => ({
          name,
          regionalReplicaCount,
        })),
        ...(excluded !== undefined && !rule && { excludeFromLatest: excluded }),
      },
      storageProfile: { source: { id: seedResource("images/myImage") } },
    },
    ...(rule && { sigil: { promotion: { when: "allRegionsReady" as const } } }),
  };
}

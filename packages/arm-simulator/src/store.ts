import type { Clock } from "@sigil-local/clock";
import { answersInState, withDefaults } from "./answers.js";
import {
  type ArmError,
  resourceGroupNotFound,
  resourceNotFound,
  subscriptionNotFound,
} from "./arm-error.js";
import { JsonFile, readJsonFile } from "./persistence.js";
import { replicationNow } from "./replication.js";
import {
  parseComputeId,
  resourceGroupKey,
  resourceKey,
  typeAndName,
  type ComputeResourceId,
} from "./resource-id.js";
import type { Answers, ArmResource, SimulatorState, SubscriptionState } from "./state.js";
import type { SimulatorWorld } from "./world.js";

/** The simulator's state, and the reads that all handlers share. */
export class Store {
  readonly state: SimulatorState;
  readonly clock: Clock;
  readonly #file: JsonFile | undefined;

  private constructor(state: SimulatorState, clock: Clock, file?: string) {
    this.state = state;
    this.clock = clock;
    this.#file = file === undefined ? undefined : new JsonFile(file, () => this.state);
  }

  /** Continues with the contents of `file`; if it is empty, starts with `world` and `answers`. */
  static async open(
    clock: Clock,
    world: SimulatorWorld,
    file?: string,
    answers: Partial<Answers> = {},
  ): Promise<Store> {
    const guesses = withDefaults(answers);
    const saved = file === undefined ? undefined : await readJsonFile(file);
    const state = saved === undefined ? begin(world, clock, guesses) : resume(saved);
    const store = new Store(state, clock, file);
    // A state that was read is not written back: the file may belong to another process, which is
    // detected later.
    if (saved === undefined) await store.commit();
    return store;
  }

  /** Resolves when everything up to now is durable; whatever changed the state awaits it before it answers. */
  async commit(): Promise<void> {
    await this.#file?.save();
  }

  now(): number {
    return this.clock.now();
  }

  replicationNow(): number {
    return replicationNow(this.state.time, this.now());
  }

  subscription(subscriptionId: string): SubscriptionState {
    const found = this.state.subscriptions[subscriptionId.toLowerCase()];
    if (found === undefined) throw subscriptionNotFound(subscriptionId);
    return found;
  }

  /** Throws what ARM answers when the subscription or the group is not there. */
  requireResourceGroup(id: { subscriptionId: string; resourceGroup: string }): void {
    this.subscription(id.subscriptionId);
    if (this.state.resources[resourceGroupKey(id)] === undefined)
      throw resourceGroupNotFound(id.resourceGroup);
  }

  findResource(id: string): ArmResource | undefined {
    return this.state.resources[resourceKey(id)];
  }

  requireResource(id: string, target?: string): ArmResource {
    const found = this.findResource(id);
    if (found === undefined) throw this.notFound(id, target);
    return found;
  }

  /** ResourceNotFound in ARM's words. */
  notFound(id: string, target?: string): ArmError {
    const parsed = parseComputeId(id);
    return parsed === undefined
      ? resourceNotFound(id, "", target)
      : resourceNotFound(typeAndName(parsed), parsed.resourceGroup, target);
  }

  putResource(resource: ArmResource): void {
    const key = resourceKey(resource.id);
    this.#noteChange(key);
    this.state.resources[key] = resource;
  }

  removeResource(id: string): void {
    const key = resourceKey(id);
    this.#noteChange(key);
    delete this.state.resources[key];
  }

  /** Remembers what Resource Graph does not show yet. */
  #noteChange(key: string): void {
    const { resourceGraph, resources } = this.state;
    const { lagMs } = resourceGraph;
    const changes = resourceGraph.changes.filter(
      (change) => this.now() < change.atMs + change.lagMs,
    );
    const before = resources[key];
    resourceGraph.changes =
      lagMs === 0
        ? changes
        : [
            ...changes,
            {
              key,
              atMs: this.now(),
              lagMs,
              ...(before === undefined ? {} : { before: structuredClone(before) }),
            },
          ];
  }

  /** Resources of one type, in a subscription, a group, or under a parent. */
  listResources(prefix: string, type: string): ArmResource[] {
    const start = `${resourceKey(prefix)}/`;
    return Object.entries(this.state.resources)
      .filter(
        ([key, { type: candidate }]) =>
          key.startsWith(start) &&
          candidate.toLowerCase() === `microsoft.compute/${type.toLowerCase()}`,
      )
      .map(([, resource]) => resource);
  }

  /**
   * The id in the spelling of the resources it names: ARM returns ids as they were created, not as
   * they were requested.
   */
  canonicalId(id: ComputeResourceId): string {
    const group = this.state.resources[resourceGroupKey(id)]?.name ?? id.resourceGroup;
    let path = `/subscriptions/${id.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Compute`;
    id.type.split("/").forEach((type, index) => {
      path += `/${type}/${id.names[index]}`;
      path = this.findResource(path)?.id ?? path;
    });
    return path;
  }
}

function begin(world: SimulatorWorld, clock: Clock, answers: Answers): SimulatorState {
  return {
    subscriptions: Object.fromEntries(
      world.subscriptions.map((subscription) => [
        subscription.subscriptionId.toLowerCase(),
        structuredClone(subscription),
      ]),
    ),
    resources: Object.fromEntries(
      world.resources.map((resource) => [resourceKey(resource.id), structuredClone(resource)]),
    ),
    imageVersions: {},
    operations: {},
    regionPlans: [],
    creates: {},
    time: { wallMs: clock.now(), replicationMs: 0, speed: 1 },
    succeededWhen: "everyRegion",
    ...laterMembers(answers),
  };
}

/** Members that a file of an earlier simulator lacks. */
function laterMembers(answers: Answers) {
  return {
    denials: [],
    softDeleted: {},
    ...answersInState(answers),
    policy: {},
    machinePlans: [],
    machines: {},
    machineTimes: { startMs: 0, deleteMs: 0 },
    snapshotBehaviour: {},
    snapshots: {},
    machineOffers: { restrictions: {}, usages: {}, acceptedTerms: [] },
    resourceGraph: { lagMs: 0, changes: [] },
  } satisfies Partial<SimulatorState>;
}

function resume(saved: unknown): SimulatorState {
  const state = saved as SimulatorState;
  const subscriptions: Record<string, SubscriptionState> = {};
  for (const [key, subscription] of Object.entries(state.subscriptions)) {
    const known: Partial<SubscriptionState> = subscription;
    subscriptions[key] = {
      ...subscription,
      approvalRequired: known.approvalRequired ?? [],
      unavailableRegions: known.unavailableRegions ?? [],
    };
  }
  return { ...laterMembers(withDefaults({})), ...state, subscriptions };
}

/** A guardian in a world of its own, and keys that go bad. */
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { GuardianDependencies } from "../../../src/key-guardian/note.js";
import { runKeyGuardian } from "../../../src/key-guardian/run-key-guardian.js";
import {
  request,
  startInProcess,
  TRACEPARENT,
  type InProcess,
  type InProcessOptions,
} from "../../support/dependencies.js";
import { managedImageRequest, seedRegion, seedResource } from "../../support/requests.js";

export const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");

export const setIn = (name: string): string => seedResource(`diskEncryptionSets/${name}`);
export const OS = setIn("WestUSDiskEncryptionSet1");

const VAULTS = `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/MyResourceGroup/providers/Microsoft.KeyVault/vaults`;
export const VAULT = `${VAULTS}/keys-westus`;
export const KEY = `${VAULT}/keys/WestUSDiskEncryptionSet1`;

export interface Guarded extends InProcess {
  readonly guardian: GuardianDependencies;
  run(deps?: GuardianDependencies): ReturnType<typeof runKeyGuardian>;
  /** Of keys alone, since the last call. */
  takeTold(): Promise<readonly CloudEvent[]>;
  /** An image definition of its own. */
  define(): Promise<string>;
  /** A version in westus and eastus2 that is ready. */
  publish(versionId: string): Promise<void>;
  /** Puts other attributes into the key of westus's first set. */
  setKey(attributes: Readonly<Record<string, unknown>>): Promise<void>;
}

export async function startGuarded(options: InProcessOptions = {}): Promise<Guarded> {
  const world = await startInProcess({ replicationMs: 60_000, spread: 0, ...options });
  const { control } = world.simulator;
  const { keyGuardian } = world.deps;
  if (keyGuardian === undefined) throw new Error("nobody looks after keys");
  const guardian: GuardianDependencies = { ...world.deps, ...keyGuardian };
  let definitions = 0;
  return {
    ...world,
    guardian,
    run: (deps = guardian) => runKeyGuardian(deps, TRACEPARENT),
    takeTold: async () =>
      (await world.takeEvents()).filter(({ type }) => /\.Key(?:AtRisk|Safe)$/u.test(type)),
    async define() {
      definitions += 1;
      const name = `Guarded${definitions}`;
      await control.putResource(of.imageDefinition("MyGallery", name, "westus"));
      return seedResource(`galleries/MyGallery/images/${name}`);
    },
    async publish(versionId) {
      const body = managedImageRequest();
      await request(world.deps, versionId, {
        ...body,
        properties: {
          ...body.properties,
          publishingProfile: {
            excludeFromLatest: true,
            targetRegions: [seedRegion("westus", "WestUS"), seedRegion("eastus2", "EastUS2")],
          },
        },
      });
      await world.finish(versionId);
    },
    async setKey(attributes) {
      const key = control.resources().find(({ id }) => id === KEY);
      if (key === undefined) throw new Error(`${KEY} is not there`);
      await control.putResource({
        ...key,
        properties: {
          ...key.properties,
          attributes: { enabled: true, ...attributes },
        },
      });
    },
  };
}

/** Image definitions with versions of Sigil's and a retention policy, in a world for each test. */
import { afterEach, beforeEach, expect } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type {
  RetentionDependencies,
  RetentionPolicy,
  RetentionRules,
} from "../../../src/retention/ports.js";
import { putRetentionPolicy } from "../../../src/retention/put-retention-policy.js";
import { getRetentionPolicy } from "../../../src/retention/retention-policy.js";
import { runRetention } from "../../../src/retention/run-retention.js";
import {
  request,
  revocationOf,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { latestIn } from "../../support/latest.js";
import { managedImageRequest, seedRegion, seedResource } from "../../support/requests.js";

export const resources = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
export const KEEP_1: RetentionRules = { keepNewestPromoted: 1 };

export type Profile = NonNullable<ImageVersionRequest["properties"]["publishingProfile"]>;

export function bodyOf(profile: Profile = {}): ImageVersionRequest {
  const body = managedImageRequest();
  return {
    ...body,
    properties: {
      ...body.properties,
      publishingProfile: {
        targetRegions: [seedRegion("westus", "WestUS")],
        ...profile,
      },
    },
  };
}

/** What a test has. */
export interface Retained {
  readonly world: InProcess;
  readonly deps: RetentionDependencies;
  /** The same, where versions are guarded. */
  readonly guarded: RetentionDependencies;
  /** Its own image definition. */
  readonly image: string;
}

/** `each` is given what a test has before each. */
export function inRetention(each: (given: Retained) => void) {
  let world: InProcess;
  let deps: RetentionDependencies;
  let guarded: RetentionDependencies;
  let image: string;
  beforeEach(async () => {
    world = await startInProcess({ replicationMs: 60_000, spread: 0 });
    deps = { policies: world.policies, ...revocationOf(world.deps) };
    guarded = {
      ...deps,
      imageVersions: {
        ...world.deps,
        consumerSubscriptions: [LOCAL_SUBSCRIPTION_ID],
      },
    };
    image = await define();
    each({ world, deps, guarded, image });
  });
  afterEach(() => world.close());

  let definitions = 0;
  async function define(): Promise<string> {
    definitions += 1;
    await world.simulator.control.putResource(
      resources.imageDefinition("MyGallery", `Retained${definitions}`, "westus"),
    );
    return seedResource(`galleries/MyGallery/images/Retained${definitions}`);
  }

  const versionId = (number: string, of = image): string => `${of}/versions/${number}`;

  /** Versions that Sigil has made and that are ready. */
  async function make(numbers: readonly string[], profile?: Profile, of = image): Promise<void> {
    for (const number of numbers) await request(world.deps, versionId(number, of), bodyOf(profile));
    for (const number of numbers)
      expect(await world.finish(versionId(number, of))).toMatchObject({
        status: "Succeeded",
      });
  }

  function put(rules: RetentionRules, mode: RetentionPolicy["mode"] = "dryRun", imageId = image) {
    return putRetentionPolicy(deps, {
      imageId,
      rules,
      mode,
      setBy: { appId: "admin" },
    });
  }

  /** A policy that deletes. */
  async function enforce(rules: RetentionRules, imageId = image): Promise<void> {
    await put(rules, "dryRun", imageId);
    await put(rules, "delete", imageId);
  }

  const run = (given = deps) => runRetention(given, TRACEPARENT);

  /** Name and code of each version; a minus before what is to be deleted. */
  async function dryRun(given = deps): Promise<Record<string, string>> {
    const { evaluation } = await getRetentionPolicy(given, image);
    return Object.fromEntries(
      evaluation.decisions.map(({ version: { name }, deletes, code }) => [
        name,
        `${deletes ? "-" : ""}${code}`,
      ]),
    );
  }

  async function inAzure(of = image): Promise<string[]> {
    const listed = (await world.deps.resourceManager.listImageVersions(of)) ?? [];
    return listed.map(({ name }) => name).sort();
  }

  const latest = () => latestIn(world.simulator, image, "westus");

  async function drive(minutes: number): Promise<void> {
    for (let i = 0; i < minutes * 4; i += 1) {
      await world.runDue();
      world.clock.advance(15_000);
    }
  }

  /** Three versions in latest; the deletions of the first two wait, excluded from latest. */
  async function waiting(): Promise<readonly string[]> {
    await make(["1.0.0", "2.0.0", "3.0.0"]);
    await enforce(KEEP_1);
    const { deletions } = await run(guarded);
    expect(deletions).toHaveLength(2);
    await drive(3);
    expect(await latest()).toBe("3.0.0");
    return deletions;
  }

  /** How each of these operations has ended: the code of its error, or its status. */
  const ends = (ids: readonly string[]) =>
    Promise.all(
      ids.map(async (id) => {
        const ended = (await world.deps.store.readOperation(id))?.operation;
        return ended?.error?.code ?? ended?.status;
      }),
    );

  return {
    define,
    versionId,
    make,
    put,
    enforce,
    run,
    dryRun,
    inAzure,
    latest,
    drive,
    waiting,
    ends,
  };
}

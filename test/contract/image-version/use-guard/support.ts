/** A version in a world where the subscriptions of consumers are known: what is asked of it, and what Azure has. */
import { expect } from "vitest";
import { deleteImageVersion } from "../../../../src/image-version/commands/delete.js";
import { idOf, request, type InProcess } from "../../../support/dependencies.js";
import { CONSUMER } from "../../../support/image-users.js";
import { inOwnWorld } from "../../../support/own-world.js";
import { managedImageRequest } from "../../../support/requests.js";
import { BY, faultOn } from "../truth/support.js";

/** How long a deletion waits, excluded from latest. */
export const DELAY_MS = 900_000;

const READ_MACHINES = "Microsoft.Compute/virtualMachines/read";

/** As `inOwnWorld`. */
export function inGuardedWorld(each: (world: InProcess, versionId: string) => void) {
  let world: InProcess;
  let version: string;
  inOwnWorld(
    {
      replicationMs: 60_000,
      consumerSubscriptions: [CONSUMER],
    },
    (given, versionId) => {
      world = given;
      version = versionId;
      each(given, versionId);
    },
  );
  const remove = (more: { ignoreUse?: boolean } = {}) =>
    deleteImageVersion(world.deps, { id: idOf(version), ...BY, ...more });

  async function publish(excludeFromLatest = false): Promise<void> {
    const { properties, ...rest } = managedImageRequest();
    await request(world.deps, version, {
      ...rest,
      properties: {
        ...properties,
        publishingProfile: {
          ...properties.publishingProfile,
          excludeFromLatest,
        },
      },
    });
    expect(await world.finish(version)).toMatchObject({ status: "Succeeded" });
  }

  /** Whether Azure has it, and excludes it from latest. */
  async function shown(): Promise<"gone" | "excluded" | "included"> {
    const found = await world.deps.resourceManager.getImageVersion(idOf(version));
    if (found === undefined) return "gone";
    const { excludeFromLatest, targetRegions = [] } =
      found.resource.properties.publishingProfile ?? {};
    const flags = [
      excludeFromLatest === true,
      ...targetRegions.map((region) => (region.excludeFromLatest ?? excludeFromLatest) === true),
    ];
    if (new Set(flags).size > 1) throw new Error("excluded in some regions");
    return flags[0] === true ? "excluded" : "included";
  }

  /** Runs on until the delay is being waited out. */
  async function untilExcluded(): Promise<void> {
    for (let i = 0; i < 50; i += 1) {
      await world.runDue();
      const { record } = await world.read(version);
      if (
        Object.values(record.requests).some(({ deletion, appliedTime }) => deletion && appliedTime)
      )
        return;
      world.clock.advance(15_000);
    }
    throw new Error("it is not excluded");
  }

  /** Somebody else includes the version in latest, or excludes it, in every region. */
  async function byOthers(excludeFromLatest: boolean): Promise<void> {
    const found = await world.deps.resourceManager.getImageVersion(idOf(version));
    const { publishingProfile } = found?.resource.properties ?? {};
    await world.simulator.control.editVersion({
      versionId: version,
      properties: {
        publishingProfile: {
          ...publishingProfile,
          excludeFromLatest,
          targetRegions: (publishingProfile?.targetRegions ?? []).map(
            ({ excludeFromLatest: _, ...region }) => region,
          ),
        },
      },
    });
  }

  const deletes = () => world.simulator.control.countRequests({ method: "DELETE" });

  async function drive(minutes: number): Promise<void> {
    for (let i = 0; i < minutes * 4; i += 1) {
      await world.runDue();
      world.clock.advance(15_000);
    }
  }

  /** So many looks show no version. */
  const hide = (times: number) => faultOn(world, version, { method: "GET", action: "hide", times });

  /** It cannot be seen who uses it. */
  const hideMachines = () =>
    world.simulator.control.denyAction({
      action: READ_MACHINES,
      scope: `/subscriptions/${CONSUMER}`,
    });

  /** So many questions to Resource Graph are refused for now. */
  const throttleResourceGraph = (times: number | null) =>
    world.simulator.control.addFault({
      method: "POST",
      path: "ResourceGraph",
      status: 429,
      headers: { "Retry-After": "30" },
      times,
    });

  return {
    remove,
    publish,
    shown,
    untilExcluded,
    byOthers,
    deletes,
    drive,
    hide,
    hideMachines,
    throttleResourceGraph,
  };
}

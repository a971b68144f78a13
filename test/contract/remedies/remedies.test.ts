/** What a refusal says to do is done here, and then the same request is accepted. A code without a row does not compile. */
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { afterEach, describe, expect, test } from "vitest";
import type { ErrorCode, ServiceError } from "../../../src/errors.js";
import { approveImageVersion } from "../../../src/gate/approve.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { mayBeTested } from "../../../src/machine-test/test-image-version.js";
import type { TestDependencies } from "../../../src/machine-test/ports.js";
import { purgeDeletedVersion } from "../../../src/image-version/commands/purge.js";
import { patchImageVersion, putImageVersion } from "../../../src/image-version/commands/put.js";
import { restoreImageVersion } from "../../../src/image-version/commands/restore.js";
import { retryImageVersion } from "../../../src/image-version/commands/retry.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { putRetentionPolicy } from "../../../src/retention/put-retention-policy.js";
import { revokeImageVersion, unrevokeImageVersion } from "../../../src/revocation/revoke.js";
import {
  commandOf,
  idOf,
  revocationOf,
  startInProcess,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { CONSUMER, putUser, removeUsers } from "../../support/image-users.js";
import { naming, type Named } from "../../support/naming.js";
import { refusal } from "../../support/refusal.js";
import { seedRegion } from "../../support/requests.js";
import { disableSoftDelete, enableSoftDelete } from "../../support/soft-delete.js";
import { body, define, EASTUS2, versionId, WESTUS } from "../image-version/rollbacks.js";

const BY = { requestedBy: { appId: "writer" }, traceparent: TRACEPARENT };
const GATES = [
  {
    images: [{ subscriptionId: "*", galleryName: "MyGallery" }],
    regions: ["West US"],
    tests: [{ name: "scan", reporters: [{ appId: "scanner" }] }],
  },
];

/** What the same request says besides, once the caller knows better. */
type How = Readonly<Record<string, unknown>>;
interface Row {
  /** What is asked, and where it stands. */
  readonly of: string;
  readonly isGated?: true;
  readonly given: () => Promise<unknown>;
  readonly asked: (how?: How) => Promise<unknown>;
  /** Values or a command in the answer; what is done is that. */
  readonly says: Named;
  /** Of the first finding. */
  readonly pointer?: string;
  readonly remedy: (refused: ServiceError) => Promise<How | void> | How;
}

let world: InProcess;
let image: string;
afterEach(() => world.close());

const at = (number = "1.0.0") => versionId(number, image);
const of = (number?: string) => ({ id: idOf(at(number)), ...BY });

async function settle(number?: string): Promise<void> {
  await world.finish(at(number));
  world.clock.advance(11 * 60_000);
}

/** Lets more than an hour of Sigil's work be done, of whatever. */
async function work(): Promise<void> {
  for (let minute = 0; minute < 70; minute += 1) {
    world.clock.advance(60_000);
    await world.runDue();
  }
}

const put = (number?: string, how: How = {}, made = body({ targetRegions: [WESTUS, EASTUS2] })) =>
  putImageVersion(world.deps, commandOf(at(number), made, { ...BY, ...how }));
async function publish(number?: string): Promise<void> {
  await put(number);
  await settle(number);
}
const publishTwo = async () => {
  await publish("0.9.0");
  await publish();
};

const remove = (how: How = {}) => deleteImageVersion(world.deps, { ...of(), ...how });
async function removed(): Promise<void> {
  await remove({ allowNoLatest: true });
  await settle();
}
const removedSoftly = async () => {
  await enableSoftDelete(world);
  await publish();
  await removed();
};

const promote = () => promoteImageVersion(world.deps, of());
const demote = (how: How = {}) => demoteImageVersion(world.deps, { ...of(), ...how });
const restore = (how: How = {}) => restoreImageVersion(world.deps, { ...of(), ...how });
const restored = async () => {
  await restore();
  await settle();
};
async function change(patch: object): Promise<void> {
  await patchImageVersion(world.deps, { ...of(), patch, mayUnprotect: true, validate: () => [] });
  await settle();
}
const setProtected = (isProtected: boolean) => change({ sigil: { protected: isProtected } });

const purge = () => purgeDeletedVersion(world.deps, of().id, BY.requestedBy);
const roll = (to: string) => {
  const { id, ...more } = of();
  const { versionName: _, ...names } = id;
  return rollBackImage(world.deps, { ...more, image: names, to });
};

const revoke = (how: How = {}) =>
  revokeImageVersion(revocationOf(world.deps), { ...of(), reason: "CVE-2026-1234", ...how });
const revoked = async () => {
  await revoke();
  await work();
};
const unrevoke = () => unrevokeImageVersion(revocationOf(world.deps), of());
const lift = async () => {
  await unrevoke();
  await work();
};

const approve = (approvedBy: object = { objectId: "approver" }, how: How = {}) =>
  approveImageVersion(
    { ...world.deps, results: world.results },
    { id: of().id, reason: "Scanned.", approvedBy, traceparent: TRACEPARENT, ...how },
  );

/** Cancels the operation that the refusal names. */
async function cancel({ fields }: ServiceError): Promise<void> {
  await cancelOperation(world.deps, String(fields["existingOperationId"]), BY.requestedBy);
  await work();
}

const policy = (mode: "dryRun" | "delete") =>
  putRetentionPolicy(
    { policies: world.policies, ...revocationOf(world.deps) },
    { imageId: image, rules: { keepNewestPromoted: 1 }, mode, setBy: BY.requestedBy },
  );

async function failEastUs2(): Promise<void> {
  await enableSoftDelete(world);
  await world.simulator.control.failRegion({ versionId: at(), region: "eastus2" });
  await world.deps.resourceManager.putImageVersion(
    of().id,
    commandOf(at(), body({ targetRegions: [WESTUS, EASTUS2] })).body,
  );
  world.clock.advance(3_600_000);
}

const READ_MACHINES = "Microsoft.Compute/virtualMachines/read";
const ENCRYPTED = [seedRegion("westus", "WestUS"), seedRegion("eastus2", "EastUS2")];
const nothing = async () => {};
const deny = (action: string, subscriptionId = LOCAL_SUBSCRIPTION_ID) =>
  world.simulator.control.denyAction({ action, scope: `/subscriptions/${subscriptionId}` });
const hiddenMachines = async () => {
  await publishTwo();
  await deny(READ_MACHINES, CONSUMER);
  world.clock.advance(3_600_000);
};
async function enableKey(enabled: boolean): Promise<void> {
  const { control } = world.simulator;
  const key = control.resources().find(({ id }) => id.endsWith("/keys/WestUSDiskEncryptionSet1"));
  if (key === undefined) throw new Error("there is no such key");
  await control.putResource({ ...key, properties: { ...key.properties, attributes: { enabled } } });
  world.clock.advance(3_600_000);
}
const putWithin = (maxReads: unknown, targetRegions: typeof ENCRYPTED) =>
  putImageVersion(
    { ...world.deps, maxReads: Number(maxReads) },
    commandOf(at(), body({ targetRegions }), BY),
  );

const PROFILE = { regions: ["westus", "eastus2"].map((name) => ({ name })) };
const mayTest = (regions: readonly string[]) =>
  mayBeTested(
    {
      ...world.deps,
      profiles: { read: () => Promise.resolve({ document: PROFILE }) },
    } as unknown as TestDependencies,
    of().id,
    regions,
  );

const etag = async () => (await getImageVersion(world.deps, of().id)).etag;

const END = { none: "how an operation has ended, no refusal" } as const;
const RETRIED = { none: "the same request again, after Retry-After" } as const;
const AZURE = { none: "Azure's own words; what helps is Azure's" } as const;
const HTTP = { none: "refused before any use case; test/unit/http has each" } as const;

const REMEDIES = {
  MalformedJson: HTTP,
  UnsupportedMediaType: HTTP,
  PayloadTooLarge: HTTP,
  Unauthenticated: HTTP,
  MethodNotAllowed: HTTP,
  TooManyRequests: RETRIED,
  NotFound: { none: "there is nothing to ask of" },
  InvalidRequest: [
    {
      of: "a restore in another region",
      given: removedSoftly,
      asked: (how = {}) => restore({ location: "eastus2", ...how }),
      says: ["westus"],
      remedy: () => ({ location: "westus" }),
    },
    {
      of: "an approval of a region that it has not",
      given: publish,
      asked: (how = {}) => approve(undefined, { regions: ["westus", "eastus"], ...how }),
      says: ["westus", "eastus2"],
      pointer: "/regions/1",
      remedy: () => ({ regions: ["westus", "eastus2"] }),
    },
  ],
  IdempotencyKeyReused: [
    {
      of: "another creation",
      given: () => put("0.9.0", { idempotencyKey: "one" }),
      asked: (how = {}) => put(undefined, { idempotencyKey: "one", ...how }),
      says: ["Idempotency-Key"],
      remedy: () => ({ idempotencyKey: "two" }),
    },
  ],
  Forbidden: [
    {
      of: "the publisher's approval",
      given: publish,
      asked: ({ by = BY.requestedBy } = {}) => approve(by as object),
      says: ["ImageVersions.Approve"],
      remedy: () => ({ by: { objectId: "colleague" } }),
    },
  ],
  ImageVersionConflict: [
    {
      of: "unrevoke while the revocation runs",
      given: async () => {
        await publishTwo();
        await revoke();
      },
      asked: unrevoke,
      says: "/cancel",
      remedy: cancel,
    },
    {
      of: "a revocation in other words while one runs",
      given: async () => {
        await publishTwo();
        await revoke();
      },
      asked: () => revoke({ reason: "CVE-2026-4321" }),
      says: "/cancel",
      remedy: cancel,
    },
    {
      of: "a rollback while another one runs",
      given: async () => {
        await publish("0.8.0");
        await publishTwo();
        await roll("0.9.0");
      },
      asked: () => roll("0.8.0"),
      says: ["0.9.0"],
      remedy: work,
    },
    {
      of: "a demotion while it is restored",
      given: async () => {
        await publish("0.9.0");
        await removedSoftly();
        await restore();
      },
      asked: demote,
      says: ["1.0.0"],
      remedy: () => settle(),
    },
    {
      of: "a deletion before its end of life",
      given: async () => {
        const safetyProfile = { blockDeletionBeforeEndOfLife: true };
        await publish("0.9.0");
        await publish();
        await change({
          properties: {
            publishingProfile: { endOfLifeDate: "2090-01-01T00:00:00Z" },
            safetyProfile,
          },
        });
      },
      asked: remove,
      says: ["blockDeletionBeforeEndOfLife", "false"],
      remedy: () =>
        change({ properties: { safetyProfile: { blockDeletionBeforeEndOfLife: false } } }),
    },
  ],
  ImageVersionGone: [
    {
      of: "a creation under a deleted number",
      given: async () => {
        await publish();
        await removed();
      },
      asked: (how) => put(undefined, how),
      says: "If-None-Match: *",
      remedy: () => ({ ifNoneMatch: "*" }),
    },
  ],
  ImageVersionSoftDeleted: [
    {
      of: "a creation under a number that Azure keeps",
      given: removedSoftly,
      asked: () => put(),
      says: "POST …/restore",
      remedy: restored,
    },
    {
      of: "the same, under the next free number",
      given: removedSoftly,
      asked: ({ number } = {}) => put(number as string | undefined),
      says: ["1.0.0"],
      remedy: ({ fields }) => ({ number: fields["nextFreeVersion"] }),
    },
  ],
  FailedNotSoftDeletable: [
    {
      of: "a deletion, repaired",
      given: failEastUs2,
      asked: (how = {}) => remove({ allowNoLatest: true, ...how }),
      says: "POST …/retry",
      remedy: async () => {
        await retryImageVersion(world.deps, of());
        await settle();
      },
    },
    {
      of: "a deletion, soft delete switched off",
      given: failEastUs2,
      asked: (how = {}) => remove({ allowNoLatest: true, ...how }),
      says: "--set properties.softDeletePolicy.isSoftDeleteEnabled=false",
      remedy: () => disableSoftDelete(world),
    },
    {
      of: "a deletion for good",
      given: failEastUs2,
      asked: (how = {}) => remove({ allowNoLatest: true, ...how }),
      says: "bypassSoftDelete=true",
      remedy: () => ({ bypassSoftDelete: true }),
    },
  ],
  ImageVersionInUse: [
    {
      of: "a deletion, nobody uses it any more",
      given: async () => {
        await publishTwo();
        await putUser(world, "virtualMachineScaleSets", "front", at());
      },
      asked: remove,
      says: ["front"],
      remedy: async () => {
        await removeUsers(world);
        world.clock.advance(3_600_000);
      },
    },
    {
      of: "a deletion, an Admin says so",
      given: async () => {
        await publishTwo();
        await putUser(world, "virtualMachineScaleSets", "front", at());
      },
      asked: remove,
      says: "ignoreUse=true",
      remedy: () => ({ ignoreUse: true }),
    },
  ],
  ImageVersionRevoked: [
    {
      of: "a promotion",
      given: async () => {
        await publishTwo();
        await revoked();
      },
      asked: promote,
      says: "POST …/unrevoke",
      remedy: lift,
    },
    {
      of: "a deletion for good",
      given: async () => {
        await enableSoftDelete(world);
        await publishTwo();
        await revoked();
        await removed();
      },
      asked: purge,
      says: "POST …/unrevoke",
      remedy: lift,
    },
  ],
  GateClosed: [
    {
      of: "a promotion",
      isGated: true,
      given: publish,
      asked: promote,
      says: "POST …/approve",
      remedy: async () => void (await approve()),
    },
  ],
  ImageVersionProtected: [
    {
      of: "a deletion",
      given: async () => {
        await publishTwo();
        await setProtected(true);
      },
      asked: remove,
      says: '{"sigil": {"protected": false}}',
      remedy: () => setProtected(false),
    },
    {
      of: "a deletion for good",
      given: async () => {
        await enableSoftDelete(world);
        await publishTwo();
        await setProtected(true);
        await world.deps.resourceManager.deleteImageVersion(of().id);
        world.clock.advance(3_600_000);
      },
      asked: purge,
      says: '{"sigil": {"protected": false}}',
      remedy: async () => {
        await restored();
        await setProtected(false);
        await removed();
      },
    },
  ],
  StaysIncluded: [
    {
      of: "a PUT that holds back what is in latest",
      given: publishTwo,
      asked: async () =>
        put(
          undefined,
          { ifMatch: await etag() },
          body({ targetRegions: [WESTUS, EASTUS2], excludeFromLatest: true }),
        ),
      says: "POST …/demote",
      remedy: async () => {
        await demote();
        await settle();
      },
    },
  ],
  RegionWouldLoseLatest: [
    {
      of: "a demotion, another version is there",
      given: publish,
      asked: demote,
      says: ["westus", "eastus2"],
      remedy: () => publish("1.0.1"),
    },
    {
      of: "a demotion, allowed",
      given: publish,
      asked: demote,
      says: "allowNoLatest=true",
      remedy: () => ({ allowNoLatest: true }),
    },
  ],
  PreconditionFailed: [
    {
      of: "a demotion of what has changed since",
      given: publishTwo,
      asked: ({ ifMatch = '"old"' } = {}) => demote({ ifMatch }),
      says: ["ETag"],
      remedy: ({ fields }) => ({ ifMatch: fields["etag"] }),
    },
  ],
  DryRunFirst: [
    {
      of: "a policy that deletes",
      given: publish,
      asked: () => policy("delete"),
      says: ["dryRun", "delete"],
      remedy: async () => void (await policy("dryRun")),
    },
  ],
  RollbackRefused: [
    {
      of: "a rollback to what is being deleted",
      given: async () => {
        await publishTwo();
        await deleteImageVersion(world.deps, of("0.9.0"));
      },
      asked: () => roll("0.9.0"),
      says: "/cancel",
      remedy: cancel,
    },
  ],
  KeyAtRisk: [
    {
      of: "a promotion under a disabled key",
      given: async () => {
        await put(undefined, {}, body({ targetRegions: ENCRYPTED, excludeFromLatest: true }));
        await settle();
        await enableKey(false);
      },
      asked: promote,
      says: ["KeyDisabled", "westus", "--enabled true"],
      remedy: () => enableKey(true),
    },
  ],
  UseUnknown: [
    {
      of: "a deletion where machines cannot be listed, a role is given",
      given: hiddenMachines,
      asked: remove,
      says: [CONSUMER],
      remedy: () => world.simulator.control.allowAction({ action: READ_MACHINES }),
    },
    {
      of: "the same, an Admin says so",
      given: hiddenMachines,
      asked: remove,
      says: "ignoreUse=true",
      remedy: () => ({ ignoreUse: true }),
    },
  ],
  KeptByRetention: { none: "a machine's deletion is told, and nobody asked for it" },
  OperationEnded: { none: "there is nothing to cancel" },
  PreflightFailed: { none: "plan-truth.test.ts mends what each rule finds" },
  TooManyReads: [
    {
      of: "a creation, the operator allows more",
      given: nothing,
      asked: ({ maxReads = 4 } = {}) => putWithin(maxReads, ENCRYPTED),
      says: ["SIGIL_MAX_READS", 4],
      remedy: ({ fields }) => ({ maxReads: fields["reads"] }),
    },
    {
      of: "a creation, in fewer regions first",
      given: nothing,
      asked: ({ regions = ENCRYPTED } = {}) => putWithin(8, regions as typeof ENCRYPTED),
      says: [10, 8],
      remedy: () => ({ regions: [WESTUS] }),
    },
  ],
  TestRefused: [
    {
      of: "a test in a region that is not ready",
      given: async () => {
        await put();
        await world.runDue();
      },
      asked: () => mayTest(["westus"]),
      says: ["westus"],
      remedy: () => settle(),
    },
    {
      of: "a test in a region that the profile lacks",
      given: publish,
      asked: ({ regions = ["eastus"] } = {}) => mayTest(regions as readonly string[]),
      says: ["eastus", "westus", "eastus2"],
      remedy: () => ({ regions: ["westus"] }),
    },
  ],
  TestMachinesOff: { none: "the operator's setting" },
  TestFailed: END,
  TestInconclusive: END,
  Superseded: END,
  ImageVersionExists: END,
  ChangedOutside: END,
  ReplacedOutside: END,
  NotShown: END,
  NotRestored: END,
  NotRestorable: END,
  ReadBackMismatch: END,
  ReplicationFailed: END,
  PoisonMessage: END,
  RequestExpired: END,
  BatchNotPlanned: { none: "sent too early or too late" },
  PlanHasErrors: END,
  BatchIncomplete: END,
  BatchExpired: END,
  ResourceManagerRefused: AZURE,
  ResourceManagerForbidden: [
    {
      of: "a version that Sigil may not read",
      given: async () => {
        await publish();
        await deny("Microsoft.Compute/galleries/images/versions/read");
      },
      asked: () => world.deps.resourceManager.getImageVersion(of().id),
      says: ["Microsoft.Compute/galleries/images/versions/read", "MyResourceGroup"],
      remedy: ({ fields }) =>
        world.simulator.control.allowAction({ action: String(fields["action"]) }),
    },
  ],
  ResourceManagerThrottled: RETRIED,
  ResourceManagerBusy: RETRIED,
  ResourceManagerUnavailable: RETRIED,
  StateConflict: RETRIED,
  StateTooNew: { none: "the newer release" },
  StateTooOld: { none: "upgrade-and-restore.md" },
  DependencyUnavailable: RETRIED,
  InternalError: { none: "a fault of Sigil" },
} satisfies Record<ErrorCode, readonly Row[] | { readonly none: string }>;

const ROWS = Object.entries<readonly Row[] | { readonly none: string }>(REMEDIES).flatMap(
  ([code, rows]) => ("none" in rows ? [] : rows.map((row) => ({ code, ...row }))),
);

describe("what a refusal says, done, is enough", () => {
  test.each(ROWS)("$code: $of", async ({ code, isGated, given, asked, says, pointer, remedy }) => {
    world = await startInProcess({
      replicationMs: 60_000,
      spread: 0,
      consumerSubscriptions: [CONSUMER],
      ...(isGated && { gates: GATES }),
    });
    image = await define(world);
    await given();
    const refused = await refusal(asked());
    expect(refused.code).toBe(code);
    if (pointer !== undefined) expect(refused.findings[0]?.pointer).toBe(pointer);
    const { message, findings } = refused;
    const told = findings.map((one) => `${one.message} ${one.remediation ?? ""}`);
    expect([message, ...told].join(" ")).toEqual(naming(says));
    expect(await asked((await remedy(refused)) ?? undefined)).toBeDefined();
  });
});

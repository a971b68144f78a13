/**
 * Every way in which a request, or Sigil itself, changes where a version is in latest. The model, the gates and the tests of regions
 * that would lose their latest take their cases from here. A write of the API that has no row does not compile.
 */
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { createNextImageVersion } from "../../../src/image-version/commands/create-next.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import {
  patchImageVersion,
  putImageVersion,
  type PutAnswer,
} from "../../../src/image-version/commands/put.js";
import { restoreImageVersion } from "../../../src/image-version/commands/restore.js";
import { retryImageVersion } from "../../../src/image-version/commands/retry.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import type { operations } from "../../../src/generated/openapi.js";
import { revokeImageVersion, unrevokeImageVersion } from "../../../src/revocation/revoke.js";
import { idOf, revocationOf, TRACEPARENT } from "../dependencies.js";
import { managedImageRequest } from "../requests.js";

/** Reads and plans are named so. Azure's own paths lead to the same writes. */
type WriteName = Exclude<keyof operations, `${"get" | "list" | "plan" | "query" | "arm"}${string}`>;

export interface Choice {
  readonly versionId: string;
  /** Names of regions: of what is created, and of what a request names. */
  readonly regions: readonly string[];
  readonly allowNoLatest?: boolean;
  readonly ignoreUse?: boolean;
  /** What is canceled. */
  readonly operationId?: string | undefined;
  readonly appId?: string;
}

export interface Door {
  /** It may bring a version into latest: into which of the regions, absent: everywhere. */
  readonly in?: "everywhere" | "regions";
  /** It may take a version out. */
  readonly out?: true;
  /** What it does where a region would lose its latest. */
  readonly last?: "refuses" | "spares";
  /** What it does where a gate is closed. */
  readonly gate?: "refuses" | "excludes" | "waits";
  /** Undefined: there is nothing to do. */
  play(this: void, deps: Dependencies, choice: Choice): Promise<OperationRecord | undefined>;
}
/** A write with several ways has one for each. */
type Row = Door | Readonly<Record<string, Door>> | { readonly no: string };

function by({ versionId, allowNoLatest = false, appId = "writer" }: Choice) {
  return {
    id: idOf(versionId),
    requestedBy: { appId, objectId: appId, name: "Sigil" },
    traceparent: TRACEPARENT,
    allowNoLatest,
  };
}

/** As a rule or a policy asks, of this life. */
async function byMachine(deps: Dependencies, choice: Choice) {
  const { allowNoLatest: _, ...command } = by(choice);
  const shown = await deps.resourceManager.getImageVersion(command.id);
  return { ...command, byMachine: { publishedDate: shown?.publishedDate ?? "" } };
}

async function operationOf(asked: Promise<PutAnswer>): Promise<OperationRecord | undefined> {
  const answer = await asked;
  return answer.kind === "accepted" ? answer.operation : undefined;
}

function made({ regions }: Choice, excludeFromLatest?: boolean): ImageVersionRequest {
  const { properties } = managedImageRequest();
  const flag = excludeFromLatest === undefined ? {} : { excludeFromLatest };
  const targetRegions = regions.map((name) => ({ name }));
  return {
    location: regions[0] ?? "",
    properties: { ...properties, publishingProfile: { ...flag, targetRegions } },
  };
}

const put = (deps: Dependencies, choice: Choice, body: ImageVersionRequest) =>
  operationOf(putImageVersion(deps, { ...by(choice), body }));

const patch = (deps: Dependencies, choice: Choice, said: object, removeRegions: string[] = []) =>
  operationOf(
    patchImageVersion(deps, {
      ...by(choice),
      ignoreUse: choice.ignoreUse ?? false,
      patch: said,
      removeRegions,
      validate: () => [],
    }),
  );

const flag = (excludeFromLatest: boolean) => ({
  properties: { publishingProfile: { excludeFromLatest } },
});

/** The others are named with it: a merge patch has the whole list. */
async function flagOfRegions(deps: Dependencies, choice: Choice, excludeFromLatest: boolean) {
  const shown = await deps.resourceManager.getImageVersion(idOf(choice.versionId));
  const targetRegions = shown?.resource.properties.publishingProfile?.targetRegions?.map((had) =>
    choice.regions.includes(had.name.replaceAll(" ", "").toLowerCase())
      ? { ...had, excludeFromLatest }
      : had,
  );
  return patch(deps, choice, { properties: { publishingProfile: { targetRegions } } });
}

function rollBack(deps: Dependencies, choice: Choice, to: { readonly to?: string }) {
  const { id, ...more } = by(choice);
  const { versionName: _, ...image } = id;
  return rollBackImage(deps, { ...more, image, ...to });
}

const RULE = { promotion: { when: "allRegionsReady" } } as const;

export const REQUESTS = {
  putImageVersion: {
    "of a new one": {
      in: "everywhere",
      gate: "excludes",
      play: (deps, choice) => put(deps, choice, made(choice)),
    },
    "with a rule": {
      in: "everywhere",
      gate: "waits",
      play: (deps, choice) => put(deps, choice, { ...made(choice), sigil: RULE }),
    },
  },
  createNextImageVersion: {
    in: "everywhere",
    gate: "excludes",
    play: (deps, choice) => {
      const { id, ...more } = by(choice);
      const { versionName: _, ...image } = id;
      const body = made(choice);
      return createNextImageVersion(deps, { ...more, image, increment: "patch", body });
    },
  },
  patchImageVersion: {
    "of its flag, in": {
      in: "everywhere",
      gate: "refuses",
      play: (deps, choice) => patch(deps, choice, flag(false)),
    },
    "of its flag, out": {
      out: true,
      last: "refuses",
      play: (deps, choice) => patch(deps, choice, flag(true)),
    },
    "of a region's flag, in": {
      in: "regions",
      gate: "refuses",
      play: (deps, choice) => flagOfRegions(deps, choice, false),
    },
    "of a region's flag, out": {
      out: true,
      last: "refuses",
      play: (deps, choice) => flagOfRegions(deps, choice, true),
    },
    "of a rule": {
      in: "everywhere",
      gate: "waits",
      play: (deps, choice) => patch(deps, choice, { sigil: RULE }),
    },
    "without regions": {
      out: true,
      last: "refuses",
      play: (deps, choice) => patch(deps, choice, {}, [...choice.regions]),
    },
  },
  deleteImageVersion: {
    out: true,
    last: "refuses",
    play: (deps, choice) =>
      deleteImageVersion(deps, { ...by(choice), ignoreUse: choice.ignoreUse ?? false }),
  },
  restoreImageVersion: {
    in: "everywhere",
    gate: "refuses",
    play: (deps, choice) => restoreImageVersion(deps, by(choice)),
  },
  retryImageVersion: {
    in: "regions",
    gate: "excludes",
    play: (deps, choice) => retryImageVersion(deps, { ...by(choice), regions: choice.regions }),
  },
  promoteImageVersion: {
    "of it all": {
      in: "everywhere",
      gate: "refuses",
      play: (deps, choice) => promoteImageVersion(deps, by(choice)),
    },
    "in regions": {
      in: "regions",
      gate: "refuses",
      play: (deps, choice) => promoteImageVersion(deps, { ...by(choice), regions: choice.regions }),
    },
  },
  demoteImageVersion: {
    out: true,
    last: "refuses",
    play: (deps, choice) => demoteImageVersion(deps, by(choice)),
  },
  rollBackImage: {
    "to a version": {
      in: "everywhere",
      out: true,
      last: "refuses",
      gate: "refuses",
      play: (deps, choice) => rollBack(deps, choice, { to: by(choice).id.versionName }),
    },
    // Leads only to what is in latest already.
    "to the one before": {
      in: "everywhere",
      out: true,
      last: "refuses",
      play: (deps, choice) => rollBack(deps, choice, {}),
    },
  },
  revokeImageVersion: {
    out: true,
    last: "spares",
    play: (deps, choice) =>
      revokeImageVersion(revocationOf(deps), { ...by(choice), reason: "CVE-2026-1234" }),
  },
  // Gives nothing back to latest.
  unrevokeImageVersion: {
    play: (deps, choice) => unrevokeImageVersion(revocationOf(deps), by(choice)),
  },
  cancelOperation: {
    out: true,
    last: "spares",
    play: async (deps, { operationId, ...choice }) => {
      const { requestedBy, allowNoLatest } = by(choice);
      return operationId === undefined
        ? undefined
        : cancelOperation(deps, operationId, requestedBy, { allowNoLatest });
    },
  },
  purgeDeletedVersion: { no: "Azure shows it no more" },
  approveImageVersion: { no: "opens a gate: what waits there goes in by a rule" },
  reportTestResult: { no: "opens or closes a gate" },
  testImageVersion: { no: "ends in a test result" },
  putRetentionPolicy: { no: "its runs are a machine's" },
  deleteRetentionPolicy: { no: "of no version" },
  putFreeze: { no: "closes gates" },
  deleteFreeze: { no: "opens gates: what waits there goes in by a rule" },
  putTestProfile: { no: "of no version" },
  deleteTestProfile: { no: "of no version" },
  prepareSubscription: { no: "of no version" },
  sendRejectedRequestAgain: { no: "sends another row's request" },
  createBatch: { no: "sends the requests of other rows" },
  confirmBatch: { no: "sends the requests of other rows" },
} as const satisfies Record<WriteName, Row>;

/** What Sigil does by itself. */
export const MACHINES = {
  rule: {
    in: "everywhere",
    gate: "refuses",
    play: async (deps, choice) => promoteImageVersion(deps, await byMachine(deps, choice)),
  },
  "rule, of a failure": {
    out: true,
    last: "spares",
    play: async (deps, choice) => demoteImageVersion(deps, await byMachine(deps, choice)),
  },
  retention: {
    out: true,
    last: "refuses",
    play: async (deps, choice) => deleteImageVersion(deps, await byMachine(deps, choice)),
  },
  "step of a revocation": { no: "its request's row plays it" },
  "step of a rollback": { no: "its request's row plays it" },
  repair: { no: "retryImageVersion plays it" },
  "return after a canceled deletion": { no: "gives back what its request took" },
} as const satisfies Record<string, Row>;

/** By name: of a write, and of a way of it. */
export const DOORS = Object.entries<Row>({ ...REQUESTS, ...MACHINES }).flatMap(
  ([name, row]): (readonly [string, Door])[] =>
    "no" in row
      ? []
      : isDoor(row)
        ? [[name, row]]
        : Object.entries(row).map(([way, door]) => [`${name} ${way}`, door] as const),
);

function isDoor(row: Exclude<Row, { readonly no: string }>): row is Door {
  return typeof row.play === "function";
}

/**
 * Creates the snapshots that a version is created from, right before the creation is sent.
 * Invariants:
 *  1. A name is one operation's. A second PUT of it, by another step or after a lost answer, changes
 *     nothing.
 *  2. The creation is sent only once each snapshot is complete, and the machine stood still until
 *     then. Once a write of the creation was sent, the machine is not read again: it may be gone.
 *  3. Every check passes before the first snapshot is created, and again before the creation.
 *  4. It deletes nothing: the sweep does that (src/capture/leftovers.ts).
 */
import { ServiceError } from "../../errors.js";
import { DEADLINE_TAG, OPERATION_TAG } from "../../leftovers/ports.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies, ResourceReader } from "../ports.js";
import type { ImageSource } from "../resources.js";
import type { RuleFinding } from "../rules/rule.js";
import type { VersionRequest } from "../state/record.js";
import { whyNoSnapshot, whyNot } from "./choose.js";
import { snapshotsIn, snapshotsLeft } from "../state/snapshots-left.js";
import { SOURCE_TAG } from "./names.js";
import type { Snapshot, SnapshotPlan } from "./ports.js";

const LOOK_AGAIN_MS = 15_000;
/** A snapshot whose operation is no longer known stays this long. */
const LONGEST_MS = 14 * 86_400_000;

interface Capture {
  readonly operationId: string;
  readonly machineId: string;
  /** A write of the creation was sent before. */
  readonly isSent: boolean;
  /** LUN by the id of its snapshot; undefined: the OS disk's. */
  readonly disks: ReadonlyMap<string, number | undefined>;
}

type Seen = ReadonlyMap<string, Snapshot | undefined>;
type Ports = Pick<Dependencies, "resources" | "snapshots" | "now">;

/** What is captured for a creation by these requests; undefined: nothing. */
export function captureFor(
  asking: readonly (readonly [string, VersionRequest])[],
  body: ImageVersionRequest,
): Capture | undefined {
  for (const [operationId, { capture, sent: isSent = false }] of asking)
    if (capture !== undefined)
      return { operationId, machineId: capture, isSent, disks: snapshotsIn(body) };
  return undefined;
}

/**
 * Returns what `prove` returns, once every snapshot is complete. Throws ServiceError: retryable, until
 * then; any other, if they can never be.
 */
export async function withSnapshotsMade<T>(
  deps: Ports,
  capture: Capture,
  prove: (resources: ResourceReader) => Promise<T>,
): Promise<T> {
  const seen = await seeSnapshots(deps, capture);
  const all = [...seen.values()];
  if (!all.includes(undefined) && !all.every(isComplete)) throw incomplete(capture, all);
  const isDone = all.every(isComplete);
  let isAnyThere = all.some((one) => one !== undefined);
  try {
    // Invariant 2.
    const machine = isDone && capture.isSent ? undefined : await machineOf(deps, capture);
    const resources = readOnce(deps.resources, machine);
    const proven = await prove(resources);
    if (isDone || machine === undefined) return proven;
    for (const plan of await plansOf({ ...deps, resources }, capture, seen, machine)) {
      await deps.snapshots?.create(plan);
      isAnyThere = true;
    }
  } catch (error) {
    if (!(error instanceof ServiceError) || error.retryAfterMs !== undefined || !isAnyThere)
      throw error;
    if (capture.isSent) throw error; // The end of its operation says what is left.
    const { code, message, findings, fields } = error;
    const left = snapshotsLeft(capture.disks, isDone ? "complete" : "incomplete", deps.now());
    throw new ServiceError(code, `${message} ${left}`, { findings, fields, cause: error });
  }
  throw incomplete(capture, all);
}

async function seeSnapshots({ snapshots }: Ports, { disks, operationId }: Capture): Promise<Seen> {
  if (snapshots === undefined)
    throw failed({
      code: "CaptureOff",
      pointer: "/sigil/capture",
      message: "Sigil was told to create no snapshots any more.",
      remediation: "Ask the operator of Sigil: SIGIL_CAPTURE_RESOURCE_GROUPS.",
    });
  const seen = new Map(
    await Promise.all([...disks.keys()].map(async (id) => [id, await snapshots.get(id)] as const)),
  );
  for (const one of seen.values())
    if (one && one.tags[OPERATION_TAG] !== operationId)
      throw notMade(`${one.id} exists, and was not created for this operation.`); // Invariant 1.
    else if (one?.provisioningState === "Failed")
      throw notMade(`Azure could not create the snapshot ${one.id}.`);
  return seen;
}

/** Throws if the machine is gone, or runs. */
async function machineOf({ snapshots }: Ports, { machineId }: Capture): Promise<ImageSource> {
  const machine = await snapshots?.getMachine(machineId);
  if (machine === undefined)
    throw notMade(`Azure no longer has ${machineId}, and not all of its disks were captured.`);
  const wrong = whyNot(machine);
  if (wrong !== undefined) throw failed(wrong);
  return machine;
}

/** Reads no source twice in one step; `machine`: read already. */
function readOnce(resources: ResourceReader, machine: ImageSource | undefined): ResourceReader {
  const read = new Map([[machine?.id.toLowerCase(), Promise.resolve(machine)]]);
  return {
    ...resources,
    getSource(id) {
      const key = id.toLowerCase();
      const source = read.get(key) ?? resources.getSource(id);
      read.set(key, source);
      return source;
    },
  };
}

/** Every missing snapshot; throws before any is created. */
function plansOf(
  deps: Pick<Ports, "resources" | "now">,
  capture: Capture,
  seen: Seen,
  machine: ImageSource,
): Promise<readonly SnapshotPlan[]> {
  const missing = [...capture.disks].filter(([id]) => seen.get(id) === undefined);
  return Promise.all(missing.map(([id, lun]) => planOf(deps, capture, machine, id, lun)));
}

async function planOf(
  { resources, now }: Pick<Ports, "resources" | "now">,
  { operationId, machineId }: Capture,
  { osDisk, dataDisks }: ImageSource,
  id: string,
  lun: number | undefined,
): Promise<SnapshotPlan> {
  const held = lun === undefined ? osDisk : dataDisks.find((one) => one.lun === lun);
  const disk = held?.id === undefined ? undefined : await resources.getSource(held.id);
  if (held?.id === undefined || disk === undefined)
    throw notMade(`${machineId} no longer has the disks of the request.`);
  const { encryptionType: type, diskEncryptionSetId } = disk.osDisk;
  const wrong = whyNoSnapshot(held.id, { ...held, ...disk.osDisk });
  if (wrong !== undefined) throw failed(wrong);
  return {
    id,
    region: disk.regions[0] ?? "",
    diskId: held.id,
    ...(type !== undefined && {
      encryption: { type, ...(diskEncryptionSetId !== undefined && { diskEncryptionSetId }) },
    }),
    tags: {
      [OPERATION_TAG]: operationId,
      [DEADLINE_TAG]: new Date(now().getTime() + LONGEST_MS).toISOString(),
      [SOURCE_TAG]: machineId,
    },
  };
}

function isComplete(one: Snapshot | undefined): boolean {
  return one?.provisioningState === "Succeeded" && (one.completionPercent ?? 100) >= 100;
}

function incomplete({ machineId }: Capture, all: readonly (Snapshot | undefined)[]): ServiceError {
  return new ServiceError(
    "ResourceManagerBusy",
    `${all.filter(isComplete).length} of ${all.length} snapshots of ${machineId} are complete. Leave the machine as it is until all are.`,
    { retryAfterMs: LOOK_AGAIN_MS },
  );
}

function notMade(message: string): ServiceError {
  return new ServiceError("PreflightFailed", `Nothing was created: ${message}`);
}

function failed(finding: Omit<RuleFinding, "rule" | "severity">): ServiceError {
  return new ServiceError(
    "PreflightFailed",
    `Nothing was created: ${finding.message} ${finding.remediation}`,
    { findings: [{ ...finding, rule: "capture", severity: "error" }] },
  );
}

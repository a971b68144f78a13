/**
 * Finds what tests have left behind, by its tag, in every resource group where a test created a
 * machine. Invariants:
 *  1. It deletes a resource only if everything agrees: it is a machine, disk or network interface
 *     in that resource group; its tags name an operation and a deadline that has passed; its name
 *     is the one that a test of that operation gives in its region; and no other machine uses it.
 *     The operation's end counts only if the operation set this deadline, because another
 *     deployment's test of the version has the same id.
 *  2. It reports by an event, once a day, what does not agree, cannot be deleted, or is not gone
 *     long after its deletion.
 *  3. A machine is deleted first, its parts only when it is gone.
 */
import { MACHINE_TEST_EVENT } from "../events/machine-test-events.js";
import type { CloudEvent } from "../events/cloud-event.js";
import type { EventData } from "../events/documented-event.js";
import { ServiceError } from "../errors.js";
import { pagesOf } from "../operation/pages.js";
import { recordKeyOf, type OperationRecord } from "../operation/records.js";
import { keyOf, parseResourceId, sameResourceId } from "../resource-id.js";
import {
  DEADLINE_TAG,
  groupId,
  machineId,
  machineName,
  OPERATION_TAG,
  type MachineName,
} from "./machine.js";
import type { MachinePart, TestDependencies } from "./ports.js";
import { LEFT_AFTER_MS } from "./region.js";
import { GROUP_SCOPE, groupIn } from "./transitions.js";

type SweepDependencies = Pick<
  TestDependencies,
  "index" | "parts" | "events" | "eventSource" | "now"
> & { readonly store: Pick<TestDependencies["store"], "readOperation"> };

interface Sweep {
  readonly groups: number;
  /** Ids of resources whose deletion was requested. */
  readonly deleted: readonly string[];
  readonly left: readonly { readonly id: string; readonly reason: string }[];
  /** One for each resource group, or resource in it, that could not be checked. */
  readonly errors: readonly unknown[];
}

type Group = Omit<MachineName, "name">;
type Leftover = { readonly id: string; readonly reason: string };

/** An operation deletes its own machines before it ends. The sweep leaves it this much time. */
const GRACE_MS = 10 * 60_000;
const MOST_ATTEMPTS = 20;
const NOT_GONE =
  "It should have been gone for over an hour. Sigil requests its deletion again: Azure may have accepted an earlier one without doing it.";

/** Sweeps once. Throws if the resource groups cannot be listed. */
export async function sweepTestMachines(
  deps: SweepDependencies,
  traceparent: string,
): Promise<Sweep> {
  const deleted: string[] = [];
  const left: Leftover[] = [];
  const errors: unknown[] = [];
  const groups = await groupsOf(deps);
  for (const group of groups) {
    try {
      const found = await sweepGroup(deps, group);
      deleted.push(...found.deleted);
      left.push(...found.left);
      errors.push(...found.errors);
    } catch (error) {
      errors.push(error);
    }
  }
  await deps.events.publish(left.map((one) => leftEvent(deps, one, traceparent)));
  return { groups: groups.length, deleted, left, errors };
}

async function groupsOf({ index }: SweepDependencies): Promise<Group[]> {
  const groups: Group[] = [];
  for await (const rows of pagesOf(index, GROUP_SCOPE)) groups.push(...rows.map(groupIn));
  return groups;
}

async function sweepGroup(deps: SweepDependencies, group: Group): Promise<Omit<Sweep, "groups">> {
  const { parts, now } = deps;
  const deleted: string[] = [];
  const left: Leftover[] = [];
  const errors: unknown[] = [];
  for (const id of await parts.listTagged(group, OPERATION_TAG)) {
    let judged: Judged | undefined;
    try {
      judged = await judgeTagged(deps, group, id);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      errors.push(error);
      continue;
    }
    switch (judged?.kind) {
      case "leftover":
        try {
          await parts.deletePart(id);
          deleted.push(id);
          if (now().getTime() - judged.overMs > LEFT_AFTER_MS) left.push({ id, reason: NOT_GONE });
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
          left.push({ id, reason: error.message });
        }
        break;
      case "stranger":
        left.push({ id, reason: judged.reason });
        break;
      case undefined:
        break;
    }
  }
  return { deleted, left, errors };
}

type Judged =
  /** Milliseconds since its time was over. */
  | { readonly kind: "leftover"; readonly overMs: number }
  | { readonly kind: "stranger"; readonly reason: string };

function stranger(reason: string): Judged {
  return { kind: "stranger", reason };
}

/** Undefined if there is nothing to do or report: it goes with its machine, or is gone. */
async function judgeTagged(
  { parts, store, now }: SweepDependencies,
  group: Group,
  id: string,
): Promise<Judged | undefined> {
  const { namespace, type } = parseResourceId(id) ?? {};
  const ofType = `${namespace}/${type}`.toLowerCase();
  if (ofType.startsWith(`${MACHINES}/`)) return undefined; // Invariant 3.
  if (!PARTS.includes(ofType)) return stranger("It is not a machine, disk or network interface.");
  const part = await parts.getPart(id);
  if (part === undefined) return undefined;
  const operationId = part.tags[OPERATION_TAG] ?? "";
  const operation =
    recordKeyOf(operationId) === undefined
      ? undefined
      : (await store.readOperation(operationId))?.operation;
  return judge(part, group, now().getTime() - GRACE_MS, operation);
}

const MACHINES = "microsoft.compute/virtualmachines";
const PARTS: readonly string[] = [
  MACHINES,
  "microsoft.compute/disks",
  "microsoft.network/networkinterfaces",
];

/** Invariant 1. Undefined: its time is not over, or its machine goes first. */
export function judge(
  { id, region, tags, attachedTo }: Pick<MachinePart, "id" | "region" | "tags" | "attachedTo">,
  group: Group,
  nowMs: number,
  operation?: Pick<OperationRecord, "endTime" | "tests">,
): Judged | undefined {
  const operationId = tags[OPERATION_TAG] ?? "";
  const deadlineMs = Date.parse(tags[DEADLINE_TAG] ?? "");
  if (!id.toLowerCase().startsWith(`${groupId(group).toLowerCase()}/`))
    return stranger("It is in another resource group.");
  if (recordKeyOf(operationId) === undefined)
    return stranger(`Its tag ${OPERATION_TAG} names no operation.`);
  if (Number.isNaN(deadlineMs)) return stranger(`Its tag ${DEADLINE_TAG} is not a time.`);
  const overMs = Math.min(deadlineMs, endOf(operation, region, deadlineMs));
  if (overMs > nowMs) return undefined;
  const machine = machineIn(id, operationId, region);
  if (machine === undefined)
    return stranger("Its name is not one of that operation's test in its region.");
  if (wasMovedTo(group, operation, region))
    return stranger("It was moved here from another resource group.");
  if (attachedTo === undefined) return { kind: "leftover", overMs };
  return sameResourceId(attachedTo, machineId({ ...group, name: machine }))
    ? undefined // Invariant 3.
    : stranger(`It is attached to ${attachedTo}.`);
}

/** When the operation ended, if its machine in the region had this deadline; else Infinity. */
function endOf(
  { endTime, tests = [] }: Pick<OperationRecord, "endTime" | "tests"> = {},
  region: string,
  deadlineMs: number,
): number {
  return endTime !== undefined &&
    tests.some(({ name, deadline = "" }) => name === region && Date.parse(deadline) === deadlineMs)
    ? Date.parse(endTime)
    : Infinity;
}

/** Whether the operation created its machine in the region in another resource group. */
function wasMovedTo(
  group: Group,
  { tests = [] }: Pick<OperationRecord, "tests"> = {},
  region: string,
): boolean {
  const made = tests.find(({ name }) => name === region)?.machineId;
  return made !== undefined && !made.toLowerCase().startsWith(`${groupId(group).toLowerCase()}/`);
}

const NAME =
  // The suffix that Azure adds to an interface's name is not documented.
  /^(?<machine>sigiltest-[0-9a-f]{20}-(?<attempt>[1-9]\d?))(?:-os|-lun\d{1,2}|-nic(?:[-_]?\w{1,40})?)?$/u;

/** The name of the machine that this resource is, or belongs to, by its own name. */
function machineIn(id: string, operationId: string, region: string): string | undefined {
  const { machine, attempt } = NAME.exec(id.slice(id.lastIndexOf("/") + 1))?.groups ?? {};
  const number = Number(attempt);
  return number <= MOST_ATTEMPTS && machine === machineName(operationId, region, number)
    ? machine
    : undefined;
}

/** Invariant 2: the day is part of the id. */
function leftEvent(
  { eventSource, now }: SweepDependencies,
  { id, reason }: Leftover,
  traceparent: string,
): CloudEvent {
  const time = now().toISOString();
  const data: EventData<typeof MACHINE_TEST_EVENT.machineLeft> = {
    resources: [id],
    reason,
  };
  return {
    specversion: "1.0",
    id: `test-machines/${keyOf(id)}/left/${time.slice(0, 10)}`,
    source: eventSource,
    type: MACHINE_TEST_EVENT.machineLeft,
    subject: id,
    time,
    datacontenttype: "application/json",
    traceparent,
    data,
  };
}

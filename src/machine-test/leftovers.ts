/**
 * What tests leave behind. A resource is a leftover only if its name is the one that a test of its
 * operation gives in its region, its time is over, and no other machine uses it. The operation's
 * end counts only if the operation set this deadline, because another deployment's test of the
 * version has the same id. A machine is deleted first, its parts only when it is gone.
 */
import { MACHINE_TEST_EVENT } from "../events/machine-test-events.js";
import { groupId, type Group } from "../leftovers/ports.js";
import { stranger, type Found, type Judged, type Maker } from "../leftovers/sweep.js";
import { pagesOf } from "../operation/pages.js";
import type { OperationRecord } from "../operation/records.js";
import { sameResourceId } from "../resource-id.js";
import { machineId, machineName } from "./machine.js";
import type { TestDependencies } from "./ports.js";
import { testsOf } from "./region-record.js";
import { GROUP_SCOPE, groupIn } from "./transitions.js";

/** An operation deletes its own machines before it ends. The sweep leaves it this much time. */
const GRACE_MS = 10 * 60_000;
const MOST_ATTEMPTS = 20;

export function testMaker({ index, parts }: Pick<TestDependencies, "index" | "parts">): Maker {
  return {
    name: "test-machines",
    types: [
      "microsoft.compute/virtualmachines",
      "microsoft.compute/disks",
      "microsoft.network/networkinterfaces",
    ],
    event: MACHINE_TEST_EVENT.machineLeft,
    resources: parts,
    async groups() {
      const groups: Group[] = [];
      for await (const rows of pagesOf(index, GROUP_SCOPE)) groups.push(...rows.map(groupIn));
      return groups;
    },
    judge,
  };
}

export function judge({
  resource: { id, region, attachedTo },
  group,
  operationId,
  operation,
  deadlineMs,
  nowMs,
}: Found): Judged {
  const overMs = Math.min(deadlineMs, endOf(operation, region, deadlineMs));
  if (overMs > nowMs - GRACE_MS) return undefined;
  const machine = machineIn(id, operationId, region);
  if (machine === undefined)
    return stranger("Its name is not one of that operation's test in its region.");
  if (wasMovedTo(group, operation, region))
    return stranger("It was moved here from another resource group.");
  if (attachedTo === undefined) return { kind: "leftover", overMs };
  return sameResourceId(attachedTo, machineId({ ...group, name: machine }))
    ? undefined
    : stranger(`It is attached to ${attachedTo}.`);
}

/** When the operation ended, if its machine in the region had this deadline; else Infinity. */
function endOf(operation: OperationRecord | undefined, region: string, deadlineMs: number): number {
  const { endTime } = operation ?? {};
  return endTime !== undefined &&
    testsOf(operation).some(
      ({ name, deadline = "" }) => name === region && Date.parse(deadline) === deadlineMs,
    )
    ? Date.parse(endTime)
    : Infinity;
}

/** Whether the operation created its machine in the region in another resource group. */
function wasMovedTo(group: Group, operation: OperationRecord | undefined, region: string): boolean {
  const made = testsOf(operation).find(({ name }) => name === region)?.machineId;
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

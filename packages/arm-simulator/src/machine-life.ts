import { randomUUID } from "node:crypto";
import { ArmError } from "./arm-error.js";
import { endOperation, startOperation } from "./operations.js";
import { GENERALIZED, isGeneralized } from "./os-state.js";
import { parseComputeId, resourceKey } from "./resource-id.js";
import type { ArmResource, MachineFate, MachineLife, OperationRecord } from "./state.js";
import type { Store } from "./store.js";

/*
 * The life of a virtual machine of an image version, by the clock:
 *
 *     PUT -> Creating -start time-> Succeeded | Failed -DELETE-> Deleting -deletion time-> gone
 *
 * Both times are 0 unless set: then a machine runs as soon as its PUT is answered. `planMachine`
 * plans any other course. Documented: the states, the codes of instance views
 * (`ProvisioningState/failed/{code}`, `PowerState/running`), AllocationFailed, SkuNotAvailable,
 * OSProvisioningTimedOut, and OperationNotAllowed for a quota. Seen in Azure:
 * KeyVaultAccessForbidden. Guessed: the contents of a serial log.
 */

/** A refusal of the PUT; nothing is made. */
const REFUSALS: Partial<Record<MachineFate, (size: string) => ArmError>> = {
  sizeNotAvailable: (size) =>
    new ArmError(
      409,
      "SkuNotAvailable",
      `The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: ${size}' is currently not available in location. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details.`,
    ),
  quotaExceeded: (size) =>
    new ArmError(
      409,
      "OperationNotAllowed",
      `Operation could not be completed as it results in exceeding approved ${size} Family Cores quota. Please read more about quota limits at https://aka.ms/ProdportalCRP.`,
    ),
};

/** How a machine fails that was accepted. */
const FAILURES: Partial<Record<MachineFate, Failure>> = {
  allocationFails: {
    code: "AllocationFailed",
    message:
      "Allocation failed. We do not have sufficient capacity for the requested VM size in this region. Read more about improving likelihood of allocation success at https://aka.ms/allocation-guidance",
  },
  keyRefused: {
    code: "KeyVaultAccessForbidden",
    message:
      "Unable to access key vault resource to enable encryption at rest. Please grant get, wrap and unwrap key permissions to disk encryption set.",
  },
  startFails: {
    code: "OSProvisioningTimedOut",
    message:
      "OS Provisioning for VM did not finish in the allotted time. The VM may still finish provisioning successfully. Please check provisioning state later.",
  },
};

interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Azure stops a script after 90 minutes that names no time. */
const DEFAULT_TIMEOUT_S = 5_400;

/** It runs, as far as its host can tell, and nothing in it answers. */
const SILENT: readonly MachineFate[] = ["hangs", "noAgent", "startFails"];

/** The fate that was planned for a machine made in this region now; throws where that is a refusal. */
export function fateOf(store: Store, region: string, size: string): MachineFate | undefined {
  const plan = store.state.machinePlans.find((one) => (one.region ?? region) === region);
  if (plan === undefined) return undefined;
  plan.times -= 1;
  if (plan.times <= 0)
    store.state.machinePlans = store.state.machinePlans.filter((one) => one !== plan);
  const refusal = REFUSALS[plan.does];
  if (refusal !== undefined) throw refusal(size);
  return plan.does;
}

/** A machine is made: it is Creating, and its operation runs, until its start time is over. */
export function beginLife(
  store: Store,
  machine: ArmResource,
  fate: MachineFate | undefined,
): OperationRecord {
  const key = resourceKey(machine.id);
  const { subscriptionId = "" } = parseComputeId(machine.id) ?? {};
  const operation = startOperation(store, key, subscriptionId);
  store.state.machines[key] = {
    operationId: operation.id,
    startsAtMs: store.now() + store.state.machineTimes.startMs,
    ...(fate === undefined ? {} : { fate }),
  };
  setState(store, machine, "Creating");
  settleMachines(store);
  return operation;
}

/** Starts a machine's deletion; undefined: it is done at once. */
export function beginEnd(store: Store, machine: ArmResource): OperationRecord | undefined {
  const key = resourceKey(machine.id);
  const { subscriptionId = "" } = parseComputeId(machine.id) ?? {};
  const life = store.state.machines[key] ?? {
    startsAtMs: store.now(),
    operationId: "",
  };
  const { deleteMs } = store.state.machineTimes;
  const fails = life.fate === "deletionFails";
  if (deleteMs === 0 && !fails) return undefined;
  const operation = startOperation(store, key, subscriptionId);
  store.state.machines[key] = {
    ...life,
    operationId: operation.id,
    deletedAtMs: store.now() + deleteMs,
  };
  setState(store, machine, "Deleting");
  return operation;
}

/** Brings every machine up to the present. */
export function settleMachines(store: Store): void {
  const { machines, resources } = store.state;
  for (const [key, life] of Object.entries(machines)) {
    const machine = resources[key];
    if (machine === undefined) delete machines[key];
    else if (life.deletedAtMs !== undefined) settleEnd(store, machine, life, life.deletedAtMs);
    else if (life.startsAtMs <= store.now()) settleStart(store, machine, life);
  }
}

function settleStart(
  store: Store,
  machine: ArmResource,
  { fate, operationId, startsAtMs: endedAtMs }: MachineLife,
): void {
  if (
    machine.properties?.["provisioningState"] !== "Creating" ||
    fate === "hangs" ||
    fate === "neverAllocated"
  )
    return;
  const operation = store.state.operations[operationId];
  const error = fate && FAILURES[fate];
  setState(store, machine, error === undefined ? "Succeeded" : "Failed");
  endOperation(
    operation,
    error === undefined
      ? { status: "Succeeded", endedAtMs }
      : { status: "Failed", endedAtMs, error },
  );
}

function settleEnd(
  store: Store,
  machine: ArmResource,
  { fate, deletedAtMs: _, ...life }: MachineLife,
  endedAtMs: number,
): void {
  if (endedAtMs > store.now()) return;
  const operation = store.state.operations[life.operationId];
  if (fate !== "deletionFails") {
    removeMachine(store, machine);
    endOperation(operation, { status: "Succeeded", endedAtMs });
    return;
  }
  // The next deletion works: without that fate it is a machine like any other.
  store.state.machines[resourceKey(machine.id)] = life;
  setState(store, machine, "Failed");
  endOperation(operation, {
    status: "Failed",
    endedAtMs,
    error: {
      code: "InternalExecutionError",
      message: "An internal execution error occurred. Please retry later.",
    },
  });
}

/** The machine is gone, and with it what says `deleteOption: Delete`; its other disks and interfaces are free. */
export function removeMachine(store: Store, machine: ArmResource): void {
  const { resources, machines } = store.state;
  const key = resourceKey(machine.id);
  const isLeft = machines[key]?.fate === "leavesDisks";
  for (const [part, option] of partsOf(machine)) {
    const found = store.findResource(part);
    if (found?.managedBy !== machine.id) continue;
    if (option === "Delete" && !isLeft) store.removeResource(found.id);
    else {
      const { managedBy: _machine, ...free } = found;
      const { virtualMachine: _of, ...properties } = found.properties ?? {};
      store.putResource({
        ...free,
        id: found.id,
        name: found.name,
        type: found.type,
        properties: {
          ...properties,
          ...(/disks$/iu.test(found.type) ? { diskState: "Unattached" } : {}),
        },
      });
    }
  }
  for (const other of Object.keys(resources))
    if (other === key || other.startsWith(`${key}/`)) store.removeResource(other);
  delete machines[key];
}

/** Disks and network interfaces, each with its `deleteOption`. */
function partsOf(machine: ArmResource): readonly (readonly [string, string])[] {
  const { storageProfile, networkProfile } = (machine.properties ?? {}) as {
    storageProfile?: { osDisk?: Attached; dataDisks?: readonly Attached[] };
    networkProfile?: { networkInterfaces?: readonly AttachedInterface[] };
  };
  const { osDisk, dataDisks = [] } = storageProfile ?? {};
  return [
    ...[osDisk, ...dataDisks].map(
      (disk) => [disk?.managedDisk?.id ?? "", disk?.deleteOption ?? "Detach"] as const,
    ),
    ...(networkProfile?.networkInterfaces ?? []).map(
      ({ id = "", properties }) => [id, properties?.deleteOption ?? "Detach"] as const,
    ),
  ].filter(([id]) => id !== "");
}

interface Attached {
  readonly deleteOption?: string;
  readonly managedDisk?: { readonly id?: string };
}

interface AttachedInterface {
  readonly id?: string;
  readonly properties?: { readonly deleteOption?: string };
}

function setState(store: Store, machine: ArmResource, provisioningState: string): void {
  const { id, name, type, ...rest } = machine;
  store.putResource({
    ...rest,
    id,
    name,
    type,
    properties: { ...machine.properties, provisioningState },
  });
}

/** It runs, or not, from now on. */
export function setPower(
  { state: { machines } }: Store,
  { id }: ArmResource,
  power: NonNullable<MachineLife["power"]>,
): void {
  const key = resourceKey(id);
  machines[key] = { operationId: "", startsAtMs: 0, ...machines[key], power };
}

/**
 * A generalized machine does not start again: it is deallocated, unless a request set another
 * state.
 */
function powerOf(store: Store, machine: ArmResource): NonNullable<MachineLife["power"]> {
  const { power } = store.state.machines[resourceKey(machine.id)] ?? {};
  return power ?? (isGeneralized(machine) ? "deallocated" : "running");
}

/** `GET …?$expand=instanceView`. */
export function instanceViewOf(store: Store, machine: ArmResource) {
  const { fate, startsAtMs = 0 } = store.state.machines[resourceKey(machine.id)] ?? {};
  const state = String(machine.properties?.["provisioningState"]);
  const error = fate && FAILURES[fate];
  const power = powerOf(store, machine);
  const isRunning =
    power === "running" &&
    startsAtMs <= store.now() &&
    fate !== "neverAllocated" &&
    fate !== "allocationFails" &&
    fate !== "keyRefused";
  const time = new Date(store.now()).toISOString();
  const isReady = isRunning && !SILENT.includes(fate as MachineFate) && state !== "Creating";
  return {
    ...(isRunning
      ? {
          vmAgent: {
            vmAgentVersion: isReady ? "2.14.0.1" : "Unknown",
            statuses: [
              isReady
                ? {
                    code: "ProvisioningState/succeeded",
                    level: "Info",
                    displayStatus: "Ready",
                    message: "Guest Agent is running",
                    time,
                  }
                : {
                    code: "ProvisioningState/Unavailable",
                    level: "Warning",
                    displayStatus: "Not Ready",
                    message: "VM status blob is found but not yet populated.",
                    time,
                  },
            ],
          },
        }
      : {}),
    statuses: [
      state === "Failed" && error !== undefined
        ? {
            code: `ProvisioningState/failed/${error.code}`,
            level: "Error",
            displayStatus: "Provisioning failed",
            message: error.message,
            time,
          }
        : {
            code: `ProvisioningState/${state.toLowerCase()}`,
            level: "Info",
            displayStatus: state,
            time,
          },
      ...(isGeneralized(machine) ? [GENERALIZED] : []),
      ...(isRunning
        ? [
            {
              code: "PowerState/running",
              level: "Info",
              displayStatus: "VM running",
            },
          ]
        : power === "running"
          ? []
          : [{ code: `PowerState/${power}`, level: "Info", displayStatus: `VM ${power}` }]),
    ],
  };
}

/** The machine's serial log: its kernel, and a login once its system started. */
export function serialLogOf(store: Store, machine: ArmResource): string {
  const { fate, startsAtMs = 0 } = store.state.machines[resourceKey(machine.id)] ?? {};
  const begins = `[    0.000000] Linux version 6.8.0 (${machine.name})\n`;
  if (startsAtMs > store.now()) return "";
  return SILENT.includes(fate as MachineFate)
    ? `${begins}[    2.104512] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n`
    : `${begins}[    9.481022] cloud-init: finished\n\n${machine.name} login: \n`;
}

/** Its script runs from now on. */
export function beginScript(store: Store, machine: ArmResource): void {
  const key = resourceKey(machine.id);
  const life = store.state.machines[key];
  if (life !== undefined) store.state.machines[key] = { ...life, scriptAtMs: store.now() };
}

/** The result of a script. */
export function scriptResultOf(store: Store, machine: ArmResource, { properties }: ArmResource) {
  const { fate, scriptAtMs = store.now() } = store.state.machines[resourceKey(machine.id)] ?? {};
  const { scriptMs = 0 } = store.state.machineTimes;
  const timeoutMs = Number(properties?.["timeoutInSeconds"] ?? DEFAULT_TIMEOUT_S) * 1_000;
  const time = new Date(store.now()).toISOString();
  if (store.now() < scriptAtMs + Math.min(scriptMs, timeoutMs))
    return { executionState: "Running", startTime: time };
  if (scriptMs > timeoutMs) return { executionState: "TimedOut", startTime: time, endTime: time };
  return {
    executionState: fate === "scriptFails" ? "Failed" : "Succeeded",
    exitCode: fate === "scriptFails" ? 1 : 0,
    output: fate === "scriptFails" ? "checking /data\n" : "checking /data\nall well\n",
    error: fate === "scriptFails" ? "/data is not mounted\n" : "",
    startTime: time,
    endTime: time,
  };
}

/** Whether something in the machine answers its agent. */
export function hasAgent(store: Store, machine: ArmResource): boolean {
  return instanceViewOf(store, machine).vmAgent?.statuses[0]?.displayStatus === "Ready";
}

/** A name that nobody can guess, like a signature. */
export function newSecret(): string {
  return randomUUID().replaceAll("-", "");
}

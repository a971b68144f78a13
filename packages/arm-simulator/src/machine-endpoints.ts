import { ArmError, conflict, invalidRequestContent } from "./arm-error.js";
import type { ArmAnswer, ArmRequest } from "./arm-request.js";
import { isObject } from "./json-shape.js";
import { beginScript, hasAgent, scriptResultOf, serialLogOf } from "./machine-life.js";
import { parentId, resourceKey, type ComputeResourceId } from "./resource-id.js";
import type { ArmResource } from "./state.js";
import type { Store } from "./store.js";

/*
 * Reads and commands of a running virtual machine: its serial log, and managed run commands. A
 * script does not run: it exits 0 after its time (`setMachineTimes`), unless `planMachine` decides
 * differently; without an agent it stays Pending. One that takes longer than its `timeoutInSeconds`
 * ends TimedOut.
 */

const LOG_PATH = /^\/simulated-serial-logs(\/subscriptions\/.+)$/u;

/** POST `…/retrieveBootDiagnosticsData`: an address that needs no token, its signature is enough. */
export function retrieveBootDiagnosticsData(
  store: Store,
  machineId: string,
  { baseUrl }: Pick<ArmRequest, "baseUrl">,
): ArmAnswer {
  const machine = store.requireResource(machineId);
  const { bootDiagnostics } = (machine.properties?.["diagnosticsProfile"] ?? {}) as {
    bootDiagnostics?: { enabled?: boolean };
  };
  if (bootDiagnostics?.enabled !== true)
    throw conflict(`Boot diagnostics is not enabled for the virtual machine '${machine.name}'.`);
  const signed = `${baseUrl}/simulated-serial-logs${machine.id}?sig=${SIGNATURE}`;
  return {
    status: 200,
    body: {
      consoleScreenshotBlobUri: `${signed}&screenshot`,
      serialConsoleLogBlobUri: signed,
    },
  };
}

const SIGNATURE = "c2lnbmVkLWJ5LXRoZS1zaW11bGF0b3I";

/** The log behind such an address; undefined for another address. */
export function serialLogAt(store: Store, url: URL): string | undefined {
  const id = LOG_PATH.exec(decodeURIComponent(url.pathname))?.[1];
  if (id === undefined || url.searchParams.get("sig") !== SIGNATURE) return undefined;
  const machine = store.findResource(id);
  return machine && serialLogOf(store, machine);
}

/** PUT and GET of a managed run command; undefined for another method. */
export async function answerRunCommand(
  store: Store,
  id: ComputeResourceId,
  request: ArmRequest,
): Promise<ArmAnswer | undefined> {
  const path = store.canonicalId(id);
  const machine = store.requireResource(parentId(path));
  const before = store.findResource(path);
  switch (request.method) {
    case "GET": {
      const found = store.requireResource(path);
      const shown = /instanceview/iu.test(request.query.get("$expand") ?? "");
      return {
        status: 200,
        body: shown ? withResult(store, machine, found) : found,
      };
    }
    case "PUT": {
      if (machine.properties?.["provisioningState"] === "Deleting")
        throw new ArmError(
          409,
          "OperationNotAllowed",
          `The virtual machine '${machine.name}' is being deleted.`,
        );
      if (!isObject(request.body)) throw invalidRequestContent("the body must be a JSON object");
      const asked = request.body["properties"];
      const properties = isObject(asked) ? asked : {};
      const { timeoutInSeconds = 1 } = properties;
      if (!Number.isSafeInteger(timeoutInSeconds) || Number(timeoutInSeconds) < 1)
        throw invalidRequestContent("timeoutInSeconds must be a whole number above 0");
      const made: ArmResource = {
        ...request.body,
        id: path,
        name: id.names.at(-1) ?? "",
        type: "Microsoft.Compute/virtualMachines/runCommands",
        properties: { ...properties, provisioningState: "Succeeded" },
      };
      beginScript(store, machine);
      store.state.resources[resourceKey(path)] = made;
      await store.commit();
      return { status: before === undefined ? 201 : 200, body: made };
    }
    default:
      return undefined;
  }
}

function withResult(store: Store, machine: ArmResource, command: ArmResource): ArmResource {
  return {
    ...command,
    id: command.id,
    name: command.name,
    type: command.type,
    properties: {
      ...command.properties,
      instanceView: hasAgent(store, machine)
        ? scriptResultOf(store, machine, command)
        : { executionState: "Pending" },
    },
  };
}

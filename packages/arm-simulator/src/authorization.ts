import { ArmError } from "./arm-error.js";
import type { ArmRequest } from "./arm-request.js";
import { isObject } from "./json-shape.js";
import { parseComputeId, resourceKey } from "./resource-id.js";
import type { Denial, SimulatorState } from "./state.js";

/*
 * Role-based access control, reversed: everyone may do everything that is not denied. ARM checks
 * before it reads the resource; for a write, it also checks each resource that the body links to.
 */

export interface Caller {
  readonly client: string;
  readonly objectId: string;
}

/** The caller's name in ARM's messages, from the claims of a verified token. */
export function callerOf(verified: unknown): Caller {
  const payload = isObject(verified) ? verified["payload"] : undefined;
  const claims = isObject(payload) ? payload : {};
  const claim = (...names: string[]): string =>
    names.map((name) => claims[name]).find((value) => typeof value === "string") ?? "unknown";
  return {
    client: claim("upn", "appid", "azp", "oid", "sub"),
    objectId: claim("oid", "sub"),
  };
}

export function denyAction(state: SimulatorState, denial: Denial): void {
  state.denials = [...state.denials.filter((other) => !isSame(other, denial)), denial];
}

/** Takes back the denials of an action at `scope` and below, or everywhere. */
export function allowAction(
  state: SimulatorState,
  { action, scope }: { action: string; scope?: string },
): void {
  state.denials = state.denials.filter(
    (denial) =>
      denial.action.toLowerCase() !== action.toLowerCase() ||
      (scope !== undefined && !isWithin(denial.scope, scope)),
  );
}

export function isDenied(
  { denials }: Pick<SimulatorState, "denials">,
  { action, scope }: Denial,
): boolean {
  return denials.some(
    (denial) =>
      denial.action.toLowerCase() === action.toLowerCase() && isWithin(scope, denial.scope),
  );
}

/** Throws 403 AuthorizationFailed or LinkedAuthorizationFailed, in ARM's words, for what is denied. */
export function authorize(
  state: SimulatorState,
  { client, objectId }: Caller,
  request: ArmRequest,
): void {
  if (state.denials.length === 0) return;
  const denied = (asked: Denial): boolean => isDenied(state, asked);
  const own = actionOf(request.method, request.path);
  if (own === undefined) return;
  const who = `The client '${client}' with object id '${objectId}'`;
  if (denied(own))
    throw new ArmError(
      403,
      "AuthorizationFailed",
      `${who} does not have authorization to perform action '${own.action}' over scope '${own.scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    );
  if (!own.action.endsWith("/write")) return;
  const linked = linkedReads(request.body).filter(denied);
  if (linked.length > 0)
    throw new ArmError(
      403,
      "LinkedAuthorizationFailed",
      `${who} has permission to perform action '${own.action}' on scope '${own.scope}'; however, it does not have permission to perform action(s) '${linked.map(({ action }) => action).join(",")}' on the linked scope(s) '${linked.map(({ scope }) => scope).join(",")}' (respectively) or the linked scope(s) are invalid.`,
    );
}

const VERBS: Readonly<Record<string, string>> = {
  GET: "read",
  HEAD: "read",
  PUT: "write",
  PATCH: "write",
  DELETE: "delete",
};

/**
 * The action and scope that ARM checks: `GET …/diskEncryptionSets/x` is
 * `Microsoft.Compute/diskEncryptionSets/read` over that set; a list is checked on its container;
 * `POST …/providers/Microsoft.Compute/register` is `Microsoft.Compute/register/action` over the
 * subscription. Undefined for a path without an action.
 */
export function actionOf(method: string, path: string): Denial | undefined {
  if (/^\/providers\/Microsoft\.ResourceGraph\/resources$/iu.test(path))
    return { action: "Microsoft.ResourceGraph/resources/read", scope: "/" };
  const [, subscription, rest = ""] = /^(\/subscriptions\/[^/]+)(\/.*)?$/iu.exec(path) ?? [];
  if (subscription === undefined) return undefined;
  const verb = VERBS[method];

  const provider = /^\/providers\/([^/]+)(\/register)?$/iu.exec(rest);
  if (provider !== null)
    return {
      action:
        provider[2] === undefined
          ? `Microsoft.Resources/subscriptions/providers/${verb ?? "action"}`
          : `${provider[1]}/register/action`,
      scope: subscription,
    };
  const feature =
    /^(\/providers\/Microsoft\.Features\/providers\/[^/]+\/features\/[^/]+)(\/register)?$/iu.exec(
      rest,
    );
  if (feature !== null)
    return {
      action: `Microsoft.Features/providers/features/${feature[2] === undefined ? (verb ?? "action") : "register/action"}`,
      scope: `${subscription}${feature[1]}`,
    };

  const [, container = rest, namespace, typed = ""] =
    /^(.*)\/providers\/([^/]+)\/(.+)$/iu.exec(rest) ?? [];
  const segments = (namespace === undefined ? `subscriptions/x${container}` : typed).split("/");
  const types = segments.filter((_, index) => index % 2 === 0);
  const isList = segments.length % 2 === 1;
  if (method === "POST" && namespace !== undefined && isList)
    return {
      action: `${namespace}/${types.join("/")}/action`,
      scope: containerOf(path, namespace, segments.length),
    };
  if (verb === undefined) return undefined;
  return {
    action: `${namespace ?? "Microsoft.Resources"}/${types.join("/")}/${verb}`,
    scope: isList ? containerOf(path, namespace, segments.length) : path,
  };
}

/** The scope of a list: the parent resource, the resource group or the subscription. */
function containerOf(path: string, namespace: string | undefined, length: number): string {
  const parent = path.split("/").slice(0, -1).join("/");
  return namespace !== undefined && length === 1
    ? parent.replace(/\/providers\/[^/]+$/iu, "")
    : parent;
}

/** A read of each Compute resource that the body names, once. */
function linkedReads(body: unknown): readonly Denial[] {
  const found = new Map<string, Denial>();
  const visit = (value: unknown): void => {
    if (typeof value === "string") {
      const id = parseComputeId(value);
      if (id !== undefined)
        found.set(resourceKey(value), {
          action: `Microsoft.Compute/${id.type}/read`,
          scope: `/${value.replace(/^\//u, "")}`,
        });
    } else if (typeof value === "object" && value !== null) Object.values(value).forEach(visit);
  };
  visit(isObject(body) ? body["properties"] : undefined);
  return [...found.values()];
}

function isSame(one: Denial, other: Denial): boolean {
  return (
    one.action.toLowerCase() === other.action.toLowerCase() &&
    resourceKey(one.scope) === resourceKey(other.scope)
  );
}

function isWithin(scope: string, container: string): boolean {
  return `${resourceKey(scope)}/`.startsWith(`${resourceKey(container)}/`);
}

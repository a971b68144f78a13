/**
 * Azure Resource Graph: `POST /providers/Microsoft.ResourceGraph/resources`, of virtual machines, scale sets and their instances.
 * Documented: what the caller may not read is left out in silence; 403 only where that is all of it; 100 records unless `$top`
 * says otherwise, at most 1,000; a `$skipToken` only where the query projects `id`; $top and $skipToken of `options`.
 *
 * It lags: a change is shown `lagMs` after it was made (setResourceGraphLag). Invariants:
 *  1. Only its answers lag.
 *  2. What it has shown it does not hide again: a change keeps the lag of its time, unless a shorter one is set.
 */
import { ArmError } from "./arm-error.js";
import type { ArmAnswer, ArmRequest } from "./arm-request.js";
import { isDenied } from "./authorization.js";
import { isObject } from "./json-shape.js";
import { KustoError, parseQuery, type Query, type Row } from "./kusto.js";
import type { ArmResource } from "./state.js";
import type { Store } from "./store.js";

const MOST_RECORDS = 1_000;
/** Documented: "The REST API for Azure Resource Graph accepts a maximum number of subscriptions", 1,000. */
const MOST_SUBSCRIPTIONS = 1_000;

/** Which types are in which table ("Azure Resource Graph table and resource type reference"). */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  resources: ["microsoft.compute/virtualmachines", "microsoft.compute/virtualmachinescalesets"],
  computeresources: ["microsoft.compute/virtualmachinescalesets/virtualmachines"],
};

export function queryResources(store: Store, { method, body }: ArmRequest): ArmAnswer | undefined {
  if (method !== "POST") return undefined;
  const { query, subscriptions, options } = readBody(body);
  const parsed = parse(query);
  const types = TABLES[parsed.table];
  if (types === undefined) throw invalidQuery(`The table '${parsed.table}' is not supported here.`);
  const visible = subscriptions.filter(
    (id) => store.state.subscriptions[id.toLowerCase()] !== undefined,
  );
  const records = shownResources(store).filter(
    ({ id, type }) =>
      types.includes(type.toLowerCase()) &&
      visible.some((each) => id.toLowerCase().startsWith(scopeOf(each))) &&
      !isDenied(store.state, { action: `${type}/read`, scope: id }),
  );
  if (visible.every((id) => isHidden(store, types, scopeOf(id))))
    throw new ArmError(
      403,
      "Forbidden",
      "None of the subscriptions of the query may be read by the caller.",
    );
  const rows = parsed.run(records.map(rowOf));
  const start = skipIn(options["$skipToken"]);
  const top = topIn(options["$top"]);
  const data = rows.slice(start, start + top);
  const isLast = start + data.length >= rows.length;
  const pages = rows.every((row) => typeof row["id"] === "string");
  return {
    status: 200,
    headers: {
      "x-ms-user-quota-remaining": "14",
      "x-ms-user-quota-resets-after": "00:00:05",
    },
    body: {
      totalRecords: rows.length,
      count: data.length,
      data,
      facets: [],
      resultTruncated: !isLast && !pages ? "true" : "false",
      ...(!isLast && pages && { $skipToken: tokenOf(start + data.length) }),
    },
  };
}

/** All that the caller may read nothing of. */
function isHidden(store: Store, types: readonly string[], scope: string): boolean {
  return types.every((type) => isDenied(store.state, { action: `${type}/read`, scope }));
}

function scopeOf(subscriptionId: string): string {
  return `/subscriptions/${subscriptionId.toLowerCase()}/`;
}

function rowOf(resource: ArmResource): Row {
  const [, , subscriptionId, , resourceGroup] = resource.id.split("/");
  return {
    ...resource,
    type: resource.type.toLowerCase(),
    subscriptionId,
    resourceGroup: resourceGroup?.toLowerCase(),
  };
}

/** Every resource as Resource Graph shows it now: what was changed since is taken back, the last change first. */
function shownResources(store: Store): readonly ArmResource[] {
  const shown = { ...store.state.resources };
  const { changes, lagMs } = store.state.resourceGraph;
  for (const change of [...changes].reverse()) {
    // Invariant 2.
    if (store.now() >= change.atMs + Math.min(change.lagMs, lagMs)) continue;
    if (change.before === undefined) delete shown[change.key];
    else shown[change.key] = change.before;
  }
  return Object.values(shown);
}

function parse(query: string): Query {
  try {
    return parseQuery(query);
  } catch (error) {
    if (error instanceof KustoError) throw invalidQuery(error.message);
    throw error;
  }
}

function readBody(body: unknown): {
  query: string;
  subscriptions: readonly string[];
  options: Record<string, unknown>;
} {
  const given = isObject(body) ? body : {};
  const { query, subscriptions, options } = given;
  if (typeof query !== "string" || query.trim() === "")
    throw invalidQuery("The query must not be empty.");
  if (
    !Array.isArray(subscriptions) ||
    subscriptions.length === 0 ||
    subscriptions.length > MOST_SUBSCRIPTIONS
  )
    throw new ArmError(
      400,
      "BadRequest",
      `The simulator takes 1 to ${MOST_SUBSCRIPTIONS} subscriptions, and no management group.`,
    );
  const asked = isObject(options) ? options : {};
  if (asked["resultFormat"] !== "objectArray")
    throw new ArmError(
      400,
      "BadRequest",
      "The simulator answers resultFormat 'objectArray' alone.",
    );
  return { query, subscriptions: subscriptions.map(String), options: asked };
}

function topIn(top: unknown): number {
  if (top === undefined) return 100;
  if (Number.isInteger(top) && Number(top) >= 1 && Number(top) <= MOST_RECORDS) return Number(top);
  throw new ArmError(400, "BadRequest", `The value of $top must be from 1 to ${MOST_RECORDS}.`);
}

function tokenOf(start: number): string {
  return Buffer.from(String(start)).toString("base64");
}

function skipIn(token: unknown): number {
  if (token === undefined || token === null) return 0;
  const start = Number(Buffer.from(typeof token === "string" ? token : "", "base64").toString());
  if (tokenOf(start) === token) return start;
  throw new ArmError(400, "BadRequest", "The $skipToken is invalid.");
}

function invalidQuery(message: string): ArmError {
  return new ArmError(400, "BadRequest", "Please provide below info when asking for support.", {
    details: [{ code: "InvalidQuery", message }],
  });
}

/**
 * `restore: true` in a PUT or PATCH is the restore command, as Azure's own clients send it. A
 * version is restored as it was, so the body must set nothing else. What these clients always send
 * with it, empty profiles and no permission to remove regions, sets nothing.
 */
import type { Finding } from "../../errors.js";
import { omit } from "../../objects.js";
import type { OperationRecord } from "../../operation/records.js";
import type { Dependencies } from "../ports.js";
import { errorsIn, refuse, type ChangeCommand } from "./command.js";
import { restoreImageVersion } from "./restore.js";

type Members = Readonly<Record<string, unknown>>;

/** Whether a body, or a merge patch, asks to restore the version. */
export function restores(body: unknown): boolean {
  return membersOf(membersOf(body)["properties"])["restore"] === true;
}

/**
 * Throws ServiceError InvalidRequest if the request sets anything else, and as
 * `restoreImageVersion`.
 */
export async function restoreByBody(
  deps: Dependencies,
  { ifMatch, removeRegions, ...command }: ChangeCommand,
  body: unknown,
): Promise<OperationRecord> {
  const { location, properties, ...rest } = membersOf(body);
  const profiles = omit(membersOf(properties), "restore");
  const more = [
    ...saying(rest, ""),
    ...saying(profiles, "/properties"),
    ...(ifMatch === undefined ? [] : ["/headers/If-Match"]),
    ...(removeRegions === undefined ? [] : ["/query/removeRegions"]),
  ].map(saysMore);
  refuse(
    "InvalidRequest",
    `The request restores a version and has ${errorsIn(more)}; each is listed under errors.`,
    more,
  );
  const { id, requestedBy, traceparent, idempotencyKey, event } = command;
  return restoreImageVersion(deps, {
    id,
    requestedBy,
    traceparent,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(event && { event }),
    ...(typeof location === "string" && { location }),
  });
}

function saysMore(pointer: string): Finding {
  return {
    code: "RestoreSaysMore",
    pointer,
    message: "Azure restores a deleted version as it was.",
    severity: "error",
    remediation: "Leave it out, and change the version once it is restored. Or leave restore out.",
  };
}

/** Pointers of the members that set something. */
function saying(members: Members, at: string): readonly string[] {
  return Object.entries(members).flatMap(([name, value]) =>
    saysNothing(value, name) ? [] : [`${at}/${name}`],
  );
}

function saysNothing(value: unknown, name: string): boolean {
  if (value === undefined) return true;
  if (name === "allowDeletionOfReplicatedLocations") return value === false;
  return (
    typeof value === "object" &&
    value !== null &&
    Object.entries(value).every(([member, below]) => saysNothing(below, member))
  );
}

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Members)
    : {};
}

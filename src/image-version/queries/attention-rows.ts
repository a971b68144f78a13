/** The attention rows. A version, set or operation has one row, for its first problem in `ORDER`; `also` lists the others. Pure. */
import { whatToDo } from "../../conditions/conditions.js";
import type { OperationRecord } from "../../operation/records.js";
import { parseImageVersionId } from "../../resource-id.js";
import type { AttentionView, ImageSummaryView } from "../contract.js";
import { described, regionsFailed } from "./conditions.js";
import type { Summary } from "./summary-of.js";

export type AttentionRow = AttentionView["value"][number];
type Problem = NonNullable<ImageSummaryView["keys"]>[number]["problems"][number];

/** Severity and title by code, the most urgent first. Codes of keys sort at the entries with `…`. */
const ORDER = {
  "KeyError…": ["error", ""],
  Revoked: ["error", "revoked, and still the latest"],
  RegionFailed: ["error", "failed"],
  Halted: ["error", "halted"],
  NotCreated: ["error", "could not be created"],
  OperationFailed: ["error", "its last operation has failed"],
  WaitsForGo: ["warning", "waits for a person"],
  NeedsAttention: ["warning", "waits for a person"],
  LooksDisagree: ["warning", "different each time Sigil looks"],
  GateClosed: ["warning", "gate closed"],
  Paused: ["warning", "promotion rule paused"],
  ChangedOutside: ["warning", "changed outside Sigil"],
  RegionLost: ["warning", "regions removed outside Sigil"],
  RegionKeepsLatest: ["warning", "canceled, and still the latest"],
  Stalled: ["warning", "no progress in Azure"],
  Canceling: ["warning", "being canceled"],
  OperationStalled: ["warning", "waits for too long"],
  "KeyWarning…": ["warning", ""],
  MessageRejected: ["warning", ""],
} as const satisfies Readonly<Record<string, readonly [AttentionRow["severity"], string]>>;

type Code = keyof typeof ORDER;
const CODES = Object.keys(ORDER);
/** Versions named in a set's row; the message has the full count. */
const MOST_VERSIONS = 20;

/** Rows by sort key: the most urgent first. */
export function rowsByPlace(found: readonly AttentionRow[]): ReadonlyMap<string, AttentionRow> {
  const places = new Map<string, string>();
  const rows = new Map<string, AttentionRow>();
  const sorted = found.map((row) => [placeOf(row), row] as const);
  for (const [place, row] of sorted.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const subject = subjectOf(row);
    const known = places.get(subject) ?? place;
    const { also = [], ...first } = rows.get(known) ?? row;
    const codes = new Set([...also, ...(row.also ?? []), row.code]);
    codes.delete(first.code);
    places.set(subject, known);
    rows.set(known, { ...first, ...(codes.size > 0 && { also: [...codes] }) });
  }
  return rows;
}

function placeOf(row: AttentionRow): string {
  const { severity, code, title } = row;
  const isError = severity === "error";
  const at = CODES.indexOf(code);
  const order = at >= 0 ? at : CODES.indexOf(isError ? "KeyError…" : "KeyWarning…");
  return `${isError ? 0 : 1} ${String(order).padStart(2, "0")} ${title} ${subjectOf(row)}`;
}

function subjectOf({ about, code }: AttentionRow): string {
  const { diskEncryptionSetId, versions = [], operationId } = about;
  return (diskEncryptionSetId ?? versions[0] ?? operationId ?? code).toLowerCase();
}

/** A row about a version. */
function ofVersion(
  id: string,
  code: Code,
  rest: Partial<AttentionRow> & Pick<AttentionRow, "message" | "whatToDo">,
): AttentionRow {
  const [severity, words] = ORDER[code];
  return { severity, code, title: `${nameOf(id)} ${words}`, about: { versions: [id] }, ...rest };
}

/** `MyImage 1.0.0`. */
function nameOf(id: string): string {
  const names = id.split("/");
  return `${names.at(-3)} ${names.at(-1)}`;
}

export function versionRows(imageId: string, version: Summary): readonly AttentionRow[] {
  const { name, state, seenTime, operationId = "", conditions = [] } = version;
  const id = `${imageId}/versions/${name}`;
  const rows = conditions.flatMap(({ type, reason = type, message, since, regions, whatToDo }) => {
    const code = [reason, type].find((word): word is Code => word in ORDER);
    // Keys have their own rows. A revoked version needs no person once it is no longer the latest anywhere.
    return code === undefined || (code === "Revoked" && regions === undefined)
      ? []
      : [ofVersion(id, code, { message, whatToDo, ...(since !== undefined && { since }) })];
  });
  if (state === "Failed") rows.push(failedRow(id, "OperationFailed", operationId));
  return rows.map((row) => ({ ...row, ...(seenTime !== undefined && { seenTime }) }));
}

/** attention.ts reads the operation's error only for the rows on the page. */
export function failedRow(
  id: string,
  code: "OperationFailed" | "NotCreated",
  operationId: string,
): AttentionRow {
  return ofVersion(id, code, {
    message: "Its last operation has failed.",
    about: { versions: [id], operationId },
    whatToDo: whatToDo(code, id, { options: operationId, request: operationId }),
  });
}

/**
 * The row of an open operation that needs a person. Regions without progress are a condition
 * instead. `location`: the version's own, if known.
 */
export function operationRow(
  operation: OperationRecord,
  location?: string,
): readonly AttentionRow[] {
  const { id, kind, resourceId, waitReason = "", waitingSince, stalled } = operation;
  const version = parseImageVersionId(resourceId);
  const failed = version && described(version, regionsFailed(failedRegions(operation), location));
  if (failed !== undefined && failed.length > 0)
    return failed.map(({ message, whatToDo }) =>
      ofVersion(resourceId, "RegionFailed", {
        message: `${message} ${waitReason}`.trim(),
        whatToDo,
      }),
    );
  if (stalled !== true) return [];
  const row = ofVersion(resourceId, "OperationStalled", {
    message: waitReason || "It takes longer than it should.",
    ...(waitingSince !== undefined && { since: waitingSince }),
    whatToDo: whatToDo("OperationStalled", "", { options: id, request: id }),
  });
  const title = `${kind} ${resourceId.split("/").at(-1)} ${ORDER.OperationStalled[1]}`;
  return [version ? row : { ...row, title, about: { operationId: id } }];
}

export function failedRegions({ regions }: OperationRecord): readonly string[] {
  return regions.filter(({ state }) => state === "Failed").map(({ name }) => name);
}

/** One row for each set with a problem, over all image definitions that use it. */
export function keyRows(views: ReadonlyMap<string, ImageSummaryView>): readonly AttentionRow[] {
  const sets = new Map<string, SetInUse>();
  for (const [imageId, { diskEncryptionSets, keys = [], versions }] of views)
    for (const key of keys) {
      const { diskEncryptionSet: at, seenTime = "" } = key;
      const id = diskEncryptionSets[at] ?? "";
      const set = sets.get(id.toLowerCase()) ?? {
        id,
        key,
        versions: [],
        regions: [],
        latest: false,
      };
      sets.set(id.toLowerCase(), set);
      if (seenTime > (set.key.seenTime ?? "")) set.key = key;
      for (const { name, regions, keys: state } of versions) {
        const those = regions.filter((region) => region.diskEncryptionSets.includes(at));
        // Only the versions at risk count; others may use the set without its problem.
        if (state !== "AtRisk" || those.length === 0) continue;
        set.versions.push(`${imageId}/versions/${name}`);
        set.regions.push(...those.map((region) => region.name));
        set.latest ||= those.some(({ latest }) => latest);
      }
    }
  return [...sets.values()].flatMap((set) =>
    set.versions.length === 0 ? [] : set.key.problems.map((problem) => keyRow(set, problem)),
  );
}

interface SetInUse {
  readonly id: string;
  key: NonNullable<ImageSummaryView["keys"]>[number];
  readonly versions: string[];
  readonly regions: string[];
  latest: boolean;
}

function keyRow({ id, key, versions, regions, latest }: SetInUse, problem: Problem): AttentionRow {
  const { severity, code, message, remediation } = problem;
  const { since, seenTime } = key;
  const [version = ""] = versions;
  const others = versions.length - 1;
  const beside = others === 0 ? "" : ` and ${others} other${others === 1 ? "" : "s"}`;
  const words = code.replaceAll(/(?!^)[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`);
  const command = commandIn(remediation);
  return {
    severity,
    code,
    ...(since !== undefined && { since }),
    ...(seenTime !== undefined && { seenTime }),
    title: `${words}: ${[...new Set(regions)].sort().join(", ")}`,
    message: `${message} It encrypts ${nameOf(version)}${beside}${latest ? ", the latest there" : ""}.`,
    about: { diskEncryptionSetId: id, versions: versions.slice(0, MOST_VERSIONS) },
    whatToDo: {
      verb: severity === "error" ? "Open key" : "Open keys",
      sentence: remediation,
      ...(command !== undefined && { command }),
      request: `GET /api${version}?expand=keys`,
    },
  };
}

/** The first command of a remediation, if it has no placeholders. */
function commandIn(remediation: string): string | undefined {
  const command = /: (az [a-z].*?)(?:\. [A-Z].*)?\.?$/u.exec(remediation)?.[1];
  return command === undefined || /[{}]/u.test(command) ? undefined : command;
}

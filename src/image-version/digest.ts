/**
 * A digest in the listing's row of a version without an open operation, so that drift, retention
 * and summaries read pages of rows instead of records. Pure. Invariants:
 *  1. It is computed from a stored record.
 *  2. It only ever shows that nothing changed: the record is read before every write, deletion and
 *     report.
 *  3. If it is absent or has another form, the record is read.
 */
import { createHash } from "node:crypto";
import type { EncryptionType } from "../keys/ports.js";
import { sequenceOf } from "../operation/records.js";
import { keyOf } from "../resource-id.js";
import { shownFields, ownFlagsOf } from "./latest/flags.js";
import { diskEncryptionReferences } from "./properties/disk-encryption-references.js";
import { fieldsOf, regionsIn } from "./properties/fields.js";
import type { ListedImageVersion } from "./resources.js";
import { isProtected, ruleInForce } from "./state/fold.js";
import { emptyRecord, type ImageVersionRecord } from "./state/record.js";
import { isFinal } from "./state/states.js";

const FORM = 1;

export interface Digest {
  readonly form: typeof FORM;
  /** A hash of what Azure showed last; absent: Azure does not have the version. */
  readonly shows?: string;
  /** What retention needs of a Succeeded version that Sigil manages; absent: the record is read. */
  readonly succeeded?: {
    /** RFC 3339. */
    readonly createdTime: string;
    /** Canonical names of the regions that Azure showed Completed. */
    readonly ready: readonly string[];
    readonly protected: boolean;
  };
  /**
   * What a summary needs, too, of such a version that is ready in all its regions, without
   * condition, rule or cancel; absent: the record is read.
   */
  readonly calm?: {
    /** RFC 3339. */
    readonly seenTime: string;
    /** Of all its disk encryption sets; absent: not known, or it has none. */
    readonly encryptionType?: EncryptionType;
    readonly dataDiskLuns: readonly number[];
  };
}

/**
 * Undefined if an operation is open, or Azure's state is in doubt: then the record itself is read.
 */
export function digestOf(record: ImageVersionRecord): Digest | undefined {
  const { state, status, unconfirmed } = record;
  if (!isFinal(state) || unconfirmed !== undefined) return undefined;
  const succeeded = succeededOf(record);
  const calm = succeeded && calmOf(record, succeeded.ready);
  return {
    form: FORM,
    ...(status && { shows: showsOf(status) }),
    ...(succeeded && { succeeded }),
    ...(calm && { calm }),
  };
}

function succeededOf(record: ImageVersionRecord): Digest["succeeded"] {
  const { state, status, spec, createdTime, repairs } = record;
  if (state !== "Succeeded" || status === undefined || spec === undefined) return undefined;
  if (Object.values(repairs).some(({ removed }) => removed !== undefined)) return undefined;
  const ready = status.regions.filter(({ state }) => state === "Completed").map(({ name }) => name);
  return { createdTime, ready, protected: isProtected(record) };
}

function calmOf(record: ImageVersionRecord, ready: readonly string[]): Digest["calm"] {
  const { status, conditions, release, encryptionTypes, dataDiskLuns } = record;
  if (status === undefined || conditions.length > 0 || release?.by === "cancel") return undefined;
  const isReady = regionsIn(fieldsOf(status.resource)).every((name) => ready.includes(name));
  const [encryptionType, ...others] = new Set(setsIn(status).map((set) => encryptionTypes[set]));
  if (!isReady || others.length > 0 || ruleInForce(record) !== undefined) return undefined;
  return { seenTime: status.time, ...(encryptionType && { encryptionType }), dataDiskLuns };
}

/** In lower case. */
function setsIn({ resource }: Pick<ListedImageVersion, "resource">): readonly string[] {
  return diskEncryptionReferences(resource).map((one) => one.diskEncryptionSetId.toLowerCase());
}

/**
 * The record of a version that Azure lists as the digest has it, as far as a summary shows it;
 * undefined: the record is read.
 */
export function calmRecord(
  resourceId: string,
  operationId: string,
  { succeeded, calm }: Digest,
  listed: ListedImageVersion,
): ImageVersionRecord | undefined {
  if (succeeded === undefined || calm === undefined) return undefined;
  const { createdTime, ready } = succeeded;
  const { seenTime, encryptionType, dataDiskLuns } = calm;
  const { publishedDate, provisioningState } = listed;
  const life = publishedDate === undefined ? {} : { publishedDate };
  return {
    ...emptyRecord(keyOf(resourceId), resourceId, createdTime),
    ...life,
    sequence: sequenceOf(operationId),
    state: "Succeeded",
    spec: {},
    status: {
      ...life,
      provisioningState,
      resource: { location: "", properties: { storageProfile: {} } },
      regions: ready.map((name) => ({ name, state: "Completed", progress: 100 })),
      time: seenTime,
    },
    encryptionTypes: Object.fromEntries(
      encryptionType === undefined ? [] : setsIn(listed).map((set) => [set, encryptionType]),
    ),
    dataDiskLuns,
  };
}

/** Invariant 3. */
export function readDigest(text: string | undefined): Digest | undefined {
  if (text === undefined) return undefined;
  const digest = JSON.parse(text) as { readonly form: number };
  return digest.form === FORM ? (digest as Digest) : undefined;
}

/**
 * Whether Azure lists the version as its record has it. If so, `isAsKnown` is true for its record,
 * too.
 */
export function listsAsKnown({ shows }: Digest, listed: ListedImageVersion): boolean {
  return shows !== undefined && shows === showsOf(listed);
}

function showsOf({
  resource,
  publishedDate,
}: Pick<ListedImageVersion, "resource" | "publishedDate">): string {
  const all = [shownFields(resource), ownFlagsOf(resource)].map((fields) =>
    Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return createHash("sha256")
    .update(JSON.stringify([publishedDate ?? null, ...all]))
    .digest("base64url")
    .slice(0, 16);
}

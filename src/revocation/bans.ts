/** Reads bans, for those who ask what there is against a version. */
import type { Finding } from "../errors.js";
import type { Deed, Objection } from "../image-version/index.js";
import { omit } from "../objects.js";
import { pagesOf } from "../operation/pages.js";
import type { Index } from "../operation/ports.js";
import { samePerson, type Requester } from "../operation/records.js";
import { formatImageVersionId, type ImageVersionId } from "../resource-id.js";
import { revocationKeyOf, revokedScope, type Ban, type Revocations } from "./record.js";

/** The version's ban; undefined: not revoked. */
export async function banOf(
  revocations: Pick<Revocations, "readRecord">,
  id: ImageVersionId,
): Promise<Ban | undefined> {
  const key = revocationKeyOf(formatImageVersionId(id));
  return (await revocations.readRecord(key))?.ban;
}

/**
 * The bans of an image definition, by version number. Costs a page of the index, and a read of each
 * ban.
 */
export async function bansOf(
  { index, revocations }: { readonly index: Index; readonly revocations: Revocations },
  imageId: string,
): Promise<ReadonlyMap<string, Ban>> {
  const bans = new Map<string, Ban>();
  for await (const rows of pagesOf(index, revokedScope(imageId)))
    await Promise.all(
      rows.map(async ({ row, target }) => {
        const record = await revocations.readRecord(revocationKeyOf(target));
        if (record?.ban) bans.set(row, record.ban);
      }),
    );
  return bans;
}

/** A requested revocation. */
export interface Asked extends Pick<Ban, "reason" | "replacement"> {
  readonly requestedBy: Requester;
  /** True: the caller is an Admin. */
  readonly mayReword?: boolean;
  /** Whether older descendants are held back; absent: as it is. Only an Admin decides that. */
  readonly holdDescendants?: boolean;
}

/** Whether the request changes the ban. */
export function changesBan(ban: Ban | undefined, asked: Asked): boolean {
  return ban !== undefined && (rewords(ban, asked) || changesHold(ban, asked));
}

/** Whether the request changes the words of the ban. Only their author and an Admin may. */
function rewords(ban: Ban, asked: Asked): boolean {
  return (
    differs(ban, asked) &&
    (asked.mayReword === true || samePerson(ban.revokedBy, asked.requestedBy))
  );
}

function changesHold({ holdTime }: Ban, { holdDescendants }: Asked): boolean {
  return holdDescendants !== undefined && holdDescendants !== (holdTime !== undefined);
}

function differs(ban: Ban, { reason, replacement }: Asked): boolean {
  return ban.reason !== reason || ban.replacement !== replacement;
}

/** The ban afterwards; the same object: it stays as it is. `time` is RFC 3339. */
export function banAfter(before: Ban | undefined, asked: Asked, time: string): Ban {
  if (before !== undefined && !changesBan(before, asked)) return before;
  const { reason, replacement, requestedBy: revokedBy, holdDescendants } = asked;
  const words =
    before === undefined || rewords(before, asked)
      ? { reason, ...(replacement !== undefined && { replacement }), revokedBy }
      : withoutTimes(before);
  const isHeld = holdDescendants ?? before?.holdTime !== undefined;
  return {
    ...words,
    revokedTime: before?.revokedTime ?? time,
    ...(isHeld && { holdTime: before?.holdTime ?? time }),
  };
}

export function withoutTimes(words: Ban) {
  return omit(words, "revokedTime", "holdTime");
}

/** The warning that another person's words stay. */
export function banKept(
  { versionName }: ImageVersionId,
  ban: Ban | undefined,
  asked: Asked,
): readonly Finding[] {
  if (ban === undefined || !differs(ban, asked) || rewords(ban, asked)) return [];
  const { name, objectId, appId } = ban.revokedBy;
  const author = name ?? objectId ?? appId ?? "Another caller";
  return [
    {
      code: "BanKept",
      pointer: ban.reason === asked.reason ? "/replacement" : "/reason",
      severity: "warning",
      message: `${author} revoked ${versionName}: ${wordsOf(ban)} That stays. Your reason is stored with this operation.`,
      remediation: `To change it, ask ${author} or an Admin to revoke it again.`,
    },
  ];
}

/** "It was revoked: CVE-2026-1234. Use 1.0.3." */
export function sentenceOf(ban: Ban): string {
  return `It is revoked: ${wordsOf(ban)}`;
}

export function wordsOf({ reason, replacement }: Ban): string {
  return `${/[.!?]$/u.test(reason) ? reason : `${reason}.`}${replacement === undefined ? "" : ` Use ${replacement}.`}`;
}

/** The warning for users of a revoked version. */
export function toMove(ban: Ban | undefined): readonly Finding[] {
  return ban === undefined
    ? []
    : [
        {
          code: "ImageVersionRevoked",
          pointer: "",
          severity: "warning",
          message: sentenceOf(ban),
          remediation: `Move machines and scale sets to ${ban.replacement ?? "another version"}.`,
        },
      ];
}

/**
 * A revoked version never comes into latest. It is not tested, built from, deleted by a policy or
 * deleted for good either.
 */
export async function objectionsByBan(
  revocations: Pick<Revocations, "readRecord">,
  id: ImageVersionId,
  deed: Deed,
): Promise<readonly Objection[]> {
  if (deed.kind === "obeyRule") return [];
  const ban = await banOf(revocations, id);
  if (ban === undefined) return [];
  const { replacement } = ban;
  return [
    {
      code: deed.kind === "deleteByPolicy" ? "KeptByRetention" : "ImageVersionRevoked",
      pointer: deed.kind === "followRule" ? "/sigil/promotion" : "",
      ...(deed.kind === "purge"
        ? {
            message: `${formatImageVersionId(id)} is kept as evidence. ${sentenceOf(ban)}`,
            remediation: "To delete it for good, lift the revocation first (POST …/unrevoke).",
          }
        : {
            message: `${formatImageVersionId(id)} must not be used. ${sentenceOf(ban)}`,
            remediation: `${replacement === undefined ? "Use another version" : `Use ${replacement}`}, or ask an Admin to lift the revocation (POST …/unrevoke).`,
          }),
      ...(deed.kind === "enterLatest" && deed.regions !== "any" && { regions: deed.regions }),
    },
  ];
}

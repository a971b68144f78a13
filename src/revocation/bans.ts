/** What is known of bans, for those who ask what there is against a version. */
import type { Finding } from "../errors.js";
import type { Deed, Objection } from "../image-version/index.js";
import { pagesOf } from "../operation/pages.js";
import type { Index } from "../operation/ports.js";
import { formatImageVersionId, type ImageVersionId } from "../resource-id.js";
import {
  revocationKeyOf,
  revokedScope,
  type Ban,
  type Revocations,
} from "./record.js";

/** Undefined for a version that is not revoked. */
export async function banOf(
  revocations: Pick<Revocations, "readRecord">,
  id: ImageVersionId,
): Promise<Ban | undefined> {
  const key = revocationKeyOf(formatImageVersionId(id));
  return (await revocations.readRecord(key))?.ban;
}

/** By number, of an image definition. Costs a page of the index, and a read of each. */
export async function bansOf(
  {
    index,
    revocations,
  }: { readonly index: Index; readonly revocations: Revocations },
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

/** "It was revoked: CVE-2026-1234. Use 1.0.3." */
export function sentenceOf({ reason, replacement }: Ban): string {
  return `It is revoked: ${/[.!?]$/u.test(reason) ? reason : `${reason}.`}${replacement === undefined ? "" : ` Use ${replacement}.`}`;
}

/** What whoever uses a version should know. */
export function toMove(ban: Ban | undefined): readonly Finding[] {
  return ban === undefined
    ? []
    : [
        {
          code: "ImageVersionRevoked",
          pointer: "",
          severity: "warning",
          message: sentenceOf(ban),
          remediation: `Move those who use it to ${ban.replacement ?? "another version"}.`,
        },
      ];
}

/** A revoked version comes into latest in no way; nor is it tested, built from or deleted by a policy. */
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
      code:
        deed.kind === "deleteByPolicy"
          ? "KeptByRetention"
          : "ImageVersionRevoked",
      pointer: deed.kind === "followRule" ? "/sigil/promotion" : "",
      message: `${formatImageVersionId(id)} is not to be used. ${sentenceOf(ban)}`,
      remediation: `${replacement === undefined ? "Use another version" : `Use ${replacement}`}, or ask an Admin to lift the revocation (POST …/unrevoke).`,
      ...(deed.kind === "enterLatest" &&
        deed.regions !== "any" && { regions: deed.regions }),
    },
  ];
}

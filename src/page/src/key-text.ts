import type { Schemas } from "@sigil/client";

/** The key of a set, as one reads it: its vault, its name, and how its version begins. */
export function keyText({ keyUrl }: Pick<Schemas["DiskEncryptionSet"], "keyUrl">): string {
  if (keyUrl === undefined) return "no key";
  const [, vault, name = "", version = ""] =
    /^https:\/\/([^./]+)[^/]*\/keys\/([^/]+)(?:\/([^/]*))?$/u.exec(keyUrl) ?? [];
  if (vault === undefined) return keyUrl;
  return `${vault}/${name}${version === "" ? "" : `/${version.slice(0, 8)}…`}`;
}

/** A key, or all of a version, and its word: the most urgent first. */
export const KEY_WORDS = {
  risk: "at risk",
  "note-mark": "soon at risk",
  unseen: "not seen yet",
  ready: "safe",
  absent: "unused",
} as const;
export type KeyTile = keyof typeof KEY_WORDS;
export const KEY_TILES = Object.keys(KEY_WORDS) as readonly KeyTile[];

/** `seenTime` absent: nobody has looked. */
export function keyTile(
  problems: readonly { readonly severity: "error" | "warning" }[],
  notSeen: readonly unknown[],
  seenTime: string | undefined,
): KeyTile {
  if (problems.some(({ severity }) => severity === "error")) return "risk";
  if (problems.length > 0) return "note-mark";
  return notSeen.length > 0 || seenTime === undefined ? "unseen" : "ready";
}

/** What breaks now before what will. */
export function byRisk<Problem extends { readonly severity: "error" | "warning" }>(
  problems: readonly Problem[],
): readonly Problem[] {
  return [...problems].sort((a, b) => a.severity.localeCompare(b.severity));
}

import type { Schemas } from "@sigil/client";

/** The key of a set, as one reads it: its vault, its name, and how its version begins. */
export function keyText({ keyUrl }: Pick<Schemas["DiskEncryptionSet"], "keyUrl">): string {
  if (keyUrl === undefined) return "no key";
  const [, vault, name = "", version = ""] =
    /^https:\/\/([^./]+)[^/]*\/keys\/([^/]+)(?:\/([^/]*))?$/u.exec(keyUrl) ?? [];
  if (vault === undefined) return keyUrl;
  return `${vault}/${name}${version === "" ? "" : `/${version.slice(0, 8)}…`}`;
}

/** What breaks now before what will. */
export function byRisk<Problem extends { readonly severity: "error" | "warning" }>(
  problems: readonly Problem[],
): readonly Problem[] {
  return [...problems].sort((a, b) => a.severity.localeCompare(b.severity));
}

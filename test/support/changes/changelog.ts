/**
 * What the changelog says that a version breaks, in the words of `openApiChanges` and `asyncApiChanges`: the code before the
 * colon of each entry under "Breaking" that has such. Other entries tell what no comparison of documents sees.
 */
export function breaksIn(changelog: string, version: string): string[] {
  const [, section = ""] = `\n${changelog}`.split(`\n## ${version}\n`);
  const [own = ""] = section.split("\n## ");
  const [, breaking = ""] = own.split("\n### Breaking\n");
  const [entries = ""] = breaking.split("\n### ");
  return entries
    .split(/^- /mu)
    .filter((entry) => entry.startsWith("`") && entry.includes("`:"))
    .flatMap((entry) => {
      const [quoted = ""] = entry.split("`:");
      return [...`${quoted}\``.matchAll(/`([^`]+)`/gu)].map(([, text = ""]) => text);
    });
}

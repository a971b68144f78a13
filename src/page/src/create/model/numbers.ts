const NUMBER = /^(\d+)\.(\d+)\.(\d+)$/u;

/** The number that the service is expected to give next, by the versions that are listed: another request may be faster. */
export function nextNumber(
  names: readonly string[],
  increment: "patch" | "minor" | "major",
): string {
  const highest = names
    .flatMap((name) => {
      const match = NUMBER.exec(name);
      return match === null ? [] : [match.slice(1).map(Number)];
    })
    .reduce<readonly number[] | undefined>(
      (best, parts) => (best === undefined || compare(parts, best) > 0 ? parts : best),
      undefined,
    );
  if (highest === undefined) return "1.0.0";
  const [major = 0, minor = 0, patch = 0] = highest;
  switch (increment) {
    case "major":
      return `${major + 1}.0.0`;
    case "minor":
      return `${major}.${minor + 1}.0`;
    case "patch":
      return `${major}.${minor}.${patch + 1}`;
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  return a.map((part, i) => part - (b[i] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

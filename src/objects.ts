/** The object without the members that are named. */
export function omit<T extends object, K extends keyof T>(
  from: T,
  ...names: readonly K[]
): string extends keyof T ? T : Omit<T, K> {
  const kept = { ...from };
  for (const name of names) delete kept[name];
  return kept;
}

/** `--filter name=value …`. */
import { UsageError } from "../exit-codes.js";

export type Filters<Name extends string> = ReadonlyMap<Name, string>;

/** Throws UsageError. */
export function filtersOf<Name extends string>(
  given: readonly string[] | undefined,
  names: readonly Name[],
): Filters<Name> {
  const filters = new Map<Name, string>();
  for (const each of given ?? []) {
    const [, text, value = ""] = /^(\w+)=(.+)$/u.exec(each) ?? [];
    const name = names.find((one) => one === text);
    if (name === undefined)
      throw new UsageError(
        `--filter takes name=value, where the name is one of ${names.join(", ")}; not "${each}".`,
      );
    filters.set(name, value);
  }
  return filters;
}

/** Whether a resource id matches the requested gallery, image definition and version. */
export function isOf(resourceId: string, filters: ReadonlyMap<string, string>): boolean {
  const id = resourceId.toLowerCase();
  const names = id.split("/");
  const holds = (filter: string, after: string): boolean => {
    const wanted = filters.get(filter)?.toLowerCase();
    if (wanted === undefined) return true;
    if (wanted.startsWith("/")) return `${id}/`.startsWith(`${wanted}/`);
    const at = names.indexOf(after);
    return at >= 0 && names[at + 1] === wanted;
  };
  return (
    holds("subscription", "subscriptions") &&
    holds("gallery", "galleries") &&
    holds("image", "images") &&
    holds("version", "versions")
  );
}

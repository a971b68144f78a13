/** Shared by the options of az: names that stand for ids, LUNs, lists. */
import { UsageError } from "../exit-codes.js";
import type { Values } from "../options.js";

/** The place of names without a resource group. */
export interface Place {
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
}

export function isResourceId(text: string): boolean {
  return /^\/subscriptions\//iu.test(text);
}

/** Expands a name to an id in the version's own resource group, as az does. */
export function idOf(
  { subscriptionId, resourceGroupName }: Place,
  provider: string,
  type: string,
  name: string,
): string {
  return isResourceId(name)
    ? name
    : `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}/providers/${provider}/${type}/${name}`;
}

export function setId(name: string, place: Place): string {
  return idOf(place, "Microsoft.Compute", "diskEncryptionSets", name);
}

export function accountId(name: string, place: Place): string {
  return idOf(place, "Microsoft.Storage", "storageAccounts", name);
}

export function lunOf(option: string, text: string): number {
  if (/^\d+$/u.test(text.trim())) return Number(text);
  throw new UsageError(`${option}: a LUN is a whole number, not "${text}".`);
}

export function listOf(values: Values, name: string): readonly string[] | undefined {
  const list = values.list(name);
  return list?.length ? list : undefined;
}

/** Removes undefined members. */
export function compact<T extends object>(
  object: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

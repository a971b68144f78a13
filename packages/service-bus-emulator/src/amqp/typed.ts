import type { FilterValue } from "../filter/value.js";
import { types, type Typed } from "./rhea.js";

/** A typed value as a filter compares it: integers as bigint, the rest as value.ts says. */
export function toFilterValue(typed: Typed): FilterValue {
  const { value } = typed;
  switch (typed.type.name) {
    case "Str8":
    case "Str32":
    case "Sym8":
    case "Sym32":
      return value as string;
    case "True":
      return true;
    case "False":
      return false;
    case "Boolean":
      return Boolean(value);
    case "Float":
    case "Double":
      return value as number;
    case "Timestamp":
      return BigInt((value as Date).getTime());
    case "Uuid":
      return formatUuid(value as Buffer);
    case "Long":
      return Buffer.isBuffer(value) ? value.readBigInt64BE() : BigInt(value as number);
    case "Ulong":
      return Buffer.isBuffer(value) ? value.readBigUInt64BE() : BigInt(value as number);
    default:
      return typeof value === "number" ? BigInt(value) : undefined;
  }
}

/** A safe integer out of any AMQP integer type; undefined for anything else. */
export function toInteger(typed: Typed | undefined): number | undefined {
  const value = typed === undefined ? undefined : toFilterValue(typed);
  if (typeof value !== "bigint") return undefined;
  const integer = Number(value);
  return Number.isSafeInteger(integer) ? integer : undefined;
}

/** The text of a string or symbol; undefined for anything else. */
export function toText(typed: Typed | undefined): string | undefined {
  return typeof typed?.value === "string" ? typed.value : undefined;
}

/** Any identifier (string, number, uuid, binary) as text, the way Service Bus compares identifiers. */
export function toIdentifier(typed: Typed | undefined): string | undefined {
  if (typed === undefined || typed.type.name === "Null") return undefined;
  if (typed.type.name !== "Uuid" && Buffer.isBuffer(typed.value))
    return typed.value.toString("base64");
  return toFilterValue(typed)?.toString();
}

/** The fields of a list by position; null fields are undefined. */
export function listItems(typed: Typed): (Typed | undefined)[] {
  if (!Array.isArray(typed.value)) return [];
  return (typed.value as Typed[]).map((item) => (item.type.name === "Null" ? undefined : item));
}

/** The entries of a map, by the text of their keys, in order. */
export function mapEntries(typed: Typed | undefined): Map<string, Typed> {
  const entries = new Map<string, Typed>();
  if (typed === undefined || !typed.type.name.startsWith("Map")) return entries;
  const items = typed.value as Typed[];
  for (let i = 0; i + 1 < items.length; i += 2) {
    const [key, value] = [items[i], items[i + 1]];
    if (key !== undefined && value !== undefined) entries.set(String(key.value), value);
  }
  return entries;
}

/** A map with symbols (annotations) or strings (properties) for keys. */
export function wrapMap(entries: ReadonlyMap<string, Typed>, keys: "symbol" | "string"): Typed {
  const items: Typed[] = [];
  for (const [key, value] of entries)
    items.push(keys === "symbol" ? types.wrap_symbol(key) : types.wrap_string(key), value);
  return types.Map32(items);
}

/** The elements of an array or list. */
export function arrayItems(typed: Typed | undefined): Typed[] {
  return Array.isArray(typed?.value) ? (typed.value as Typed[]) : [];
}

export function encodeTyped(typed: Typed): Buffer {
  const writer = new types.Writer();
  writer.write(typed);
  return Buffer.from(writer.toBuffer());
}

export function decodeTyped(bytes: Buffer): Typed {
  return new types.Reader(bytes).read();
}

/** 16 bytes in network order as text. */
export function formatUuid(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, "$1-$2-$3-$4-$5");
}

/** Text as 16 bytes in network order. */
export function parseUuid(text: string): Buffer {
  return Buffer.from(text.replaceAll("-", ""), "hex");
}

const GUID_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** Swaps between network order and that of a .NET Guid, which delivery tags are in; its own inverse. */
export function swapGuidOrder(bytes: Buffer): Buffer {
  return Buffer.from(GUID_ORDER.map((index) => bytes[index] ?? 0));
}

import { escapePointer, type Finding } from "../errors.js";
import { comparable } from "./canonical-form.js";
import type { ImageVersionRequest } from "./contract.js";

/** Where two canonical requests differ, by JSON pointer; regions and data disks are matched by name and LUN. */
export function differencesBetween(
  existing: ImageVersionRequest,
  wanted: ImageVersionRequest,
): Finding[] {
  return compare("", comparable("", existing), comparable("", wanted));
}

function compare(
  pointer: string,
  existing: unknown,
  wanted: unknown,
): Finding[] {
  if (Array.isArray(existing) && Array.isArray(wanted)) {
    const named = new Map(
      existing.map((item, i) => [identityOf(item, i), item as unknown]),
    );
    const findings: Finding[] = [];
    wanted.forEach((item: unknown, i) => {
      const identity = identityOf(item, i);
      findings.push(...compare(`${pointer}/${i}`, named.get(identity), item));
      named.delete(identity);
    });
    for (const [identity, item] of named) {
      findings.push(
        differs(pointer, `this request leaves out ${identity}: ${show(item)}`),
      );
    }
    return findings;
  }
  if (isObject(existing) && isObject(wanted)) {
    return [
      ...new Set([...Object.keys(existing), ...Object.keys(wanted)]),
    ].flatMap((key) =>
      compare(`${pointer}/${escapePointer(key)}`, existing[key], wanted[key]),
    );
  }
  return existing === wanted
    ? []
    : [
        differs(
          pointer,
          `the existing value is ${show(existing)}, this request says ${show(wanted)}`,
        ),
      ];
}

function differs(pointer: string, message: string): Finding {
  return { code: "Differs", pointer, message: `${message}.` };
}

function identityOf(item: unknown, index: number): string {
  if (isObject(item) && typeof item["name"] === "string") {
    // A region may have several edge zones: there the zone is the identity.
    const zone = item["extendedLocation"];
    return isObject(zone) && typeof zone["name"] === "string"
      ? `"${item["name"]}" (${zone["name"]})`
      : `"${item["name"]}"`;
  }
  if (isObject(item) && typeof item["lun"] === "number")
    return `LUN ${item["lun"]}`;
  return `item ${index}`;
}

function show(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

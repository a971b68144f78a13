import type { Finding } from "../errors.js";
import { changesBetween, identityOf, type PropertyChange } from "./changes.js";
import type { ImageVersionRequest } from "./contract.js";

/** Where two canonical requests differ, by JSON pointer, in words. */
export function differencesBetween(
  existing: ImageVersionRequest,
  wanted: ImageVersionRequest,
): Finding[] {
  return changesBetween(existing, wanted).map(differenceOf);
}

/** A change in the words of a difference. */
export function differenceOf({
  pointer,
  before,
  after,
}: PropertyChange): Finding {
  const item = after === undefined ? identityOf(before) : undefined;
  return {
    code: "Differs",
    pointer,
    message:
      item === undefined
        ? `the existing value is ${show(before)}, this request says ${show(after)}.`
        : `this request leaves out ${item}: ${show(before)}.`,
  };
}

function show(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value);
}

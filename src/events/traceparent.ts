import { randomBytes } from "node:crypto";

/** W3C Trace Context, 3.2.2: version, trace id, parent id and flags in lower-case hexadecimal. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/u;

/** The first candidate that is a valid W3C traceparent, else a new one. */
export function traceparentOf(...candidates: readonly (string | null | undefined)[]): string {
  for (const candidate of candidates) if (candidate && isTraceparent(candidate)) return candidate;
  const hex = (bytes: number): string => randomBytes(bytes).toString("hex");
  return `00-${hex(16)}-${hex(8)}-01`;
}

function isTraceparent(text: string): boolean {
  const match = TRACEPARENT.exec(text);
  if (match === null) return false;
  const [, version, traceId, parentId, rest] = match;
  // 3.2.2.1: "Version ff is invalid". 3.2.2.3 and .4: ids of only zeros are invalid. Version 00 has
  // four fields.
  return (
    version !== "ff" &&
    !/^0+$/u.test(traceId ?? "") &&
    !/^0+$/u.test(parentId ?? "") &&
    (rest === undefined || version !== "00")
  );
}

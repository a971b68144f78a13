import { gzipSync } from "node:zlib";

/** What is shorter is not worth it. */
const SHORTEST = 16 * 1024;
/** A list says much the same of each version: the fastest level makes a twentieth of it. */
const LEVEL = 1;

/** The answer's text, zipped where it is long and the caller takes that; and the headers that say so. */
export function compressed(
  text: string | undefined,
  acceptEncoding: string | null,
  vary: string | undefined,
): {
  readonly body: string | Buffer | undefined;
  readonly headers: Readonly<Record<string, string>>;
} {
  if (text === undefined || text.length < SHORTEST) return { body: text, headers: {} };
  const headers = {
    Vary: [vary, "Accept-Encoding"].filter(Boolean).join(", "),
  };
  return takesGzip(acceptEncoding ?? "")
    ? {
        body: gzipSync(text, { level: LEVEL }),
        headers: { ...headers, "Content-Encoding": "gzip" },
      }
    : { body: text, headers };
}

/** RFC 9110, 12.5.3: `gzip` is taken where it is named, unless its weight is 0. */
export function takesGzip(acceptEncoding: string): boolean {
  return acceptEncoding
    .split(",")
    .some((one) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/iu.test(one));
}

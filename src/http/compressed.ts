import { gzipSync } from "node:zlib";

/** Shorter answers are not worth compressing. */
const SHORTEST = 16 * 1024;
/** Lists are repetitive: the fastest level compresses them to a twentieth. */
const LEVEL = 1;

/**
 * The answer's text, compressed if it is long and the caller accepts gzip, with the matching
 * headers.
 */
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

/** RFC 9110, 12.5.3: `gzip` is accepted if it is named, unless its weight is 0. */
export function takesGzip(acceptEncoding: string): boolean {
  return acceptEncoding
    .split(",")
    .some((one) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/iu.test(one));
}

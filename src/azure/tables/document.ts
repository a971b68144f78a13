import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

/** A string property holds 64 KiB of UTF-16, a binary one 64 KiB, an entity 1 MiB (Table Storage, "data model"). */
const LARGEST_TEXT = 32_000;
const CHUNK_BYTES = 64 * 1024;

/**
 * Requests for one version repeat much of each other at long distances, so use a window wide enough
 * to find that.
 */
const COMPRESSION = {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 5,
    [constants.BROTLI_PARAM_LGWIN]: 22,
  },
};

/**
 * A JSON document as properties of an entity, which may hold another document under another name. A
 * small document is readable text, a large one is compressed.
 */
export function toProperties(
  document: unknown,
  name = "document",
): Record<string, string | Uint8Array> {
  const text = JSON.stringify(document);
  if (text.length <= LARGEST_TEXT) return { [name]: text };
  const bytes = brotliCompressSync(text, COMPRESSION);
  const chunks: Record<string, Uint8Array> = {};
  for (let at = 0, i = 0; at < bytes.length; at += CHUNK_BYTES, i += 1) {
    chunks[`${name}${i}`] = bytes.subarray(at, at + CHUNK_BYTES);
  }
  return chunks;
}

export function fromProperties<T>(entity: Readonly<Record<string, unknown>>, name = "document"): T {
  if (typeof entity[name] === "string") return JSON.parse(entity[name]) as T;
  const chunks: Uint8Array[] = [];
  for (let i = 0; entity[`${name}${i}`] instanceof Uint8Array; i += 1) {
    chunks.push(entity[`${name}${i}`] as Uint8Array);
  }
  return JSON.parse(brotliDecompressSync(Buffer.concat(chunks)).toString("utf8")) as T;
}

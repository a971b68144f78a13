// Invariants:
// 1. No path is built from a request: a file is one from the build, found by its whole name.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { ServiceError } from "../errors.js";
import { takesGzip } from "./compressed.js";
import { toProblem } from "./problem.js";

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  yaml: "application/yaml; charset=utf-8",
};
/** Shorter files are not worth compressing. */
const SHORTEST_GZIP = 1_024;

export interface StaticFile {
  readonly mediaType: string;
  readonly body: Buffer;
  readonly gzip: Buffer | undefined;
  readonly etag: string;
}

/**
 * Every file below a folder, by its path there; empty if the build has no such folder. Invariant 1.
 */
export function readFolder(folder: URL): ReadonlyMap<string, StaticFile> {
  const root = fileURLToPath(folder);
  const entries = existsSync(root)
    ? readdirSync(root, { recursive: true, withFileTypes: true })
    : [];
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => {
        const file = path.join(parentPath, name);
        const mediaType = MEDIA_TYPES[path.extname(name).slice(1)];
        return [
          path.relative(root, file).replaceAll("\\", "/"),
          fileOf(mediaType ?? "application/octet-stream", readFileSync(file)),
        ];
      }),
  );
}

export function fileOf(mediaType: string, body: Buffer): StaticFile {
  const hash = createHash("sha256").update(body).digest("base64url");
  return {
    mediaType,
    body,
    gzip: body.length < SHORTEST_GZIP ? undefined : gzipSync(body),
    etag: `"${hash.slice(0, 27)}"`,
  };
}

export function answer(
  request: HttpRequest,
  { mediaType, body, gzip, etag }: StaticFile,
  headers: Readonly<Record<string, string>>,
): HttpResponseInit {
  const common = {
    ...headers,
    ETag: etag,
    ...(gzip && { Vary: "Accept-Encoding" }),
  };
  const known = request.headers.get("if-none-match") ?? "";
  if (known.split(",").some((each) => each.trim().replace(/^W\//u, "") === etag))
    return { status: 304, headers: common };
  const zipped = gzip !== undefined && takesGzip(request.headers.get("accept-encoding") ?? "");
  return {
    headers: {
      ...common,
      "Content-Type": mediaType,
      ...(zipped && { "Content-Encoding": "gzip" }),
    },
    body: zipped ? gzip : body,
  };
}

export function noSuchFile(
  request: HttpRequest,
  common: Readonly<Record<string, string>>,
): HttpResponseInit {
  const { status, headers, body } = toProblem(
    new ServiceError("NotFound", "There is no such file."),
    new URL(request.url).pathname,
  );
  return {
    status,
    headers: {
      ...common,
      "Content-Type": "application/problem+json",
      ...headers,
    },
    body: JSON.stringify(body),
  };
}

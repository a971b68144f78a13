// Invariants:
// 1. No path is made of a request: a file is one that the build has put there, found by its whole name.
// 2. The page runs nothing but its own files, and asks nobody but this service and whoever signs people in.
// 3. A file under assets/ has its content's hash in its name, and is the same forever; the page itself is asked for each time.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type {
  HttpHandler,
  HttpRequest,
  HttpResponseInit,
} from "@azure/functions";
import { ServiceError } from "../errors.js";
import { takesGzip } from "./compressed.js";
import { toProblem } from "./problem.js";
import { SECURITY_HEADERS } from "./security-headers.js";

/** How people sign in: OAuth 2.0 authorization code with PKCE, by a client that has no secret. */
export interface SignInSettings {
  /** Below it is the discovery document. */
  readonly authority: string;
  /** What the discovery document calls itself. */
  readonly issuer: string;
  readonly clientId: string;
  /** What an access token for this API is asked for with. */
  readonly scope: string;
  /** A person's scope counts without a role. */
  readonly scopesAssign: boolean;
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};
const IMMUTABLE = "public, max-age=31536000, immutable";
/** What is shorter is not worth it. */
const SHORTEST_GZIP = 1_024;

interface File {
  readonly mediaType: string;
  readonly body: Buffer;
  readonly gzip: Buffer | undefined;
  readonly etag: string;
}

/** The page for people and its files, which the build has put into `folder`, and how it signs them in. It is no part of the API. */
export function pageHandlers(
  folder: URL,
  signIn: SignInSettings | undefined,
): Readonly<Record<"getPage", HttpHandler>> {
  const policy = policyFor(signIn);
  const config = fileOf(
    "application/json; charset=utf-8",
    Buffer.from(JSON.stringify({ ...(signIn && { signIn }) })),
  );
  // Read when the first page is asked for: most instances serve none.
  let files: Files | undefined;
  return {
    getPage: (request, context) => {
      files ??= readFiles(folder);
      const path = (request.params["path"] ?? "").replace(/\/$/u, "");
      const common = {
        ...SECURITY_HEADERS,
        "x-request-id": context.invocationId,
      };
      if (path === "config.json")
        return answer(request, config, {
          ...common,
          "Cache-Control": "no-cache",
        });
      if (path.startsWith("assets/")) {
        const file = files.assets.get(path.slice("assets/".length));
        return file === undefined
          ? notFound(request, common)
          : answer(request, file, { ...common, "Cache-Control": IMMUTABLE });
      }
      // Every other path is a view of the page: the page knows which, and says so where there is none.
      return answer(request, files.index, {
        ...common,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
      });
    },
  };
}

interface Files {
  readonly index: File;
  readonly assets: ReadonlyMap<string, File>;
}

/** Invariant 1. */
function readFiles(folder: URL): Files {
  const assets = new URL("assets/", folder);
  return {
    index: fileOf(
      "text/html; charset=utf-8",
      readFileSync(new URL("index.html", folder)),
    ),
    assets: new Map(
      readdirSync(assets).map((name) => [
        name,
        fileOf(
          MEDIA_TYPES[name.replace(/^.*\./u, "")] ?? "application/octet-stream",
          readFileSync(new URL(name, assets)),
        ),
      ]),
    ),
  };
}

function fileOf(mediaType: string, body: Buffer): File {
  const hash = createHash("sha256").update(body).digest("base64url");
  return {
    mediaType,
    body,
    gzip: body.length < SHORTEST_GZIP ? undefined : gzipSync(body),
    etag: `"${hash.slice(0, 27)}"`,
  };
}

/** Invariants 2 and 3. */
function answer(
  request: HttpRequest,
  { mediaType, body, gzip, etag }: File,
  headers: Readonly<Record<string, string>>,
): HttpResponseInit {
  const common = {
    ...headers,
    ETag: etag,
    ...(gzip && { Vary: "Accept-Encoding" }),
  };
  const known = request.headers.get("if-none-match") ?? "";
  if (
    known.split(",").some((each) => each.trim().replace(/^W\//u, "") === etag)
  )
    return { status: 304, headers: common };
  const zipped =
    gzip !== undefined &&
    takesGzip(request.headers.get("accept-encoding") ?? "");
  return {
    headers: {
      ...common,
      "Content-Type": mediaType,
      ...(zipped && { "Content-Encoding": "gzip" }),
    },
    body: zipped ? gzip : body,
  };
}

/** Invariant 2. Nothing is made of text as HTML or as a script, whoever wrote the text: hence trusted types. */
function policyFor(signIn: SignInSettings | undefined): string {
  const authority = signIn && ` ${new URL(signIn.authority).origin}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self'${authority ?? ""}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

function notFound(
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

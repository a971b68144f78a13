// Invariants:
// 1. The page runs nothing but its own files, and asks nobody but this service and whoever signs people in.
// 2. A file under assets/ has its content's hash in its name, and is the same forever; the page itself is asked for each time.
import type { HttpHandler } from "@azure/functions";
import { SECURITY_HEADERS } from "./security-headers.js";
import { answer, fileOf, noSuchFile, readFolder, type StaticFile } from "./static-files.js";

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

const IMMUTABLE = "public, max-age=31536000, immutable";

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
  let files: ReadonlyMap<string, StaticFile> | undefined;
  return {
    getPage: (request, context) => {
      files ??= readFolder(folder);
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
        const file = files.get(path);
        return file === undefined
          ? noSuchFile(request, common)
          : answer(request, file, { ...common, "Cache-Control": IMMUTABLE }); // Invariant 2.
      }
      // Every other path is a view of the page: the page knows which, and says so where there is none.
      const index = files.get("index.html");
      if (index === undefined) return noSuchFile(request, common);
      return answer(request, index, {
        ...common,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
      });
    },
  };
}

/** Invariant 1. Nothing is made of text as HTML or as a script, whoever wrote the text: hence trusted types. */
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

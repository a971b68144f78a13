// Invariants:
// 1. The page runs only its own files, and sends requests only to this service and to the sign-in
//    authority.
// 2. A file under assets/ has its content's hash in its name and never changes; the page itself is
//    requested each time.
import type { HttpHandler } from "@azure/functions";
import { SECURITY_HEADERS } from "./security-headers.js";
import { answer, fileOf, noSuchFile, readFolder, type StaticFile } from "./static-files.js";

/** How people sign in: OAuth 2.0 authorization code with PKCE, by a client without a secret. */
export interface SignInSettings {
  /** The discovery document is below it. */
  readonly authority: string;
  /** The discovery document's `issuer`. */
  readonly issuer: string;
  readonly clientId: string;
  /** The scope to request an access token for this API with. */
  readonly scope: string;
  /** A person's scope counts without a role. */
  readonly scopesAssign: boolean;
}

const IMMUTABLE = "public, max-age=31536000, immutable";

/**
 * Serves the page for people, its files from `folder`, and its sign-in settings. Not part of the
 * API.
 */
export function pageHandlers(
  folder: URL,
  signIn: SignInSettings | undefined,
): Readonly<Record<"getPage", HttpHandler>> {
  const policy = policyFor(signIn);
  const config = fileOf(
    "application/json; charset=utf-8",
    Buffer.from(JSON.stringify({ ...(signIn && { signIn }) })),
  );
  // Read at the first request, because most instances serve none.
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
      // Every other path is a view of the page, which handles unknown ones.
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

/** Invariant 1. Trusted types keep any text, whoever wrote it, from becoming HTML or script. */
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

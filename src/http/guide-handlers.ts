// Invariants:
// 1. The documents run nothing but their own script, and ask nobody but this service.
import type { HttpHandler } from "@azure/functions";
import { SECURITY_HEADERS } from "./security-headers.js";
import {
  answer,
  noSuchFile,
  readFolder,
  type StaticFile,
} from "./static-files.js";

/** Invariant 1. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The documents as a site, which the build has put into `folder`: those of this very release. It is no part of the API. */
export function guideHandlers(
  folder: URL,
): Readonly<Record<"getGuide", HttpHandler>> {
  // Read when the first page is asked for: most instances serve none.
  let files: ReadonlyMap<string, StaticFile> | undefined;
  return {
    getGuide: (request, context) => {
      files ??= readFolder(folder);
      const common = {
        ...SECURITY_HEADERS,
        "x-request-id": context.invocationId,
      };
      const { pathname } = new URL(request.url);
      const path = request.params["path"] ?? "";
      // Links are relative to a folder.
      if (path === "" && !pathname.endsWith("/"))
        return { status: 308, headers: { ...common, Location: "guide/" } };
      const file = files.get(path === "" ? "index.html" : path);
      return file === undefined
        ? noSuchFile(request, common)
        : answer(request, file, {
            ...common,
            "Cache-Control": "no-cache",
            "Content-Security-Policy": POLICY,
          });
    },
  };
}

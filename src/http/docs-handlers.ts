// Invariants:
// 1. The pages run only their own files, and send requests only to this service.
import type { HttpHandler } from "@azure/functions";
import { SECURITY_HEADERS } from "./security-headers.js";
import { answer, noSuchFile, readFolder, type StaticFile } from "./static-files.js";

/**
 * Serves the OpenAPI document for people, and the docs as a site, from the build of this release in
 * `built`. They are not part of the API.
 */
export function docsHandlers(built: URL): Readonly<Record<"getDocs" | "getGuide", HttpHandler>> {
  return {
    getDocs: folderHandler(
      new URL("docs/", built),
      // Swagger UI's style contains pictures.
      "img-src 'self' data:; connect-src 'self'",
    ),
    getGuide: folderHandler(new URL("site/", built), "img-src 'self'"),
  };
}

function folderHandler(folder: URL, allowed: string): HttpHandler {
  const policy = `default-src 'none'; script-src 'self'; style-src 'self'; ${allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`; // Invariant 1.
  // Read at the first request, because most instances serve none.
  let files: ReadonlyMap<string, StaticFile> | undefined;
  return (request, context) => {
    files ??= readFolder(folder);
    const common = {
      ...SECURITY_HEADERS,
      "x-request-id": context.invocationId,
    };
    const { pathname } = new URL(request.url);
    const path = request.params["path"] ?? "";
    // Links are relative to a folder.
    if (path === "" && !pathname.endsWith("/")) {
      const Location = `${pathname.split("/").at(-1) ?? ""}/`;
      return { status: 308, headers: { ...common, Location } };
    }
    const file = files.get(path === "" ? "index.html" : path);
    return file === undefined
      ? noSuchFile(request, common)
      : answer(request, file, {
          ...common,
          "Cache-Control": "no-cache",
          "Content-Security-Policy": policy,
        });
  };
}

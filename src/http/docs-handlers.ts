// Invariants:
// 1. What is shown runs nothing but its own files, and asks nobody but this service.
import type { HttpHandler } from "@azure/functions";
import { SECURITY_HEADERS } from "./security-headers.js";
import { answer, noSuchFile, readFolder, type StaticFile } from "./static-files.js";

/**
 * What shows the OpenAPI document to people, and the documents as a site, as the build has put them into `built`: those of this very
 * release. They are no part of the API.
 */
export function docsHandlers(built: URL): Readonly<Record<"getDocs" | "getGuide", HttpHandler>> {
  return {
    getDocs: folderHandler(
      new URL("docs/", built),
      // Pictures are part of Swagger UI's style.
      "img-src 'self' data:; connect-src 'self'",
    ),
    getGuide: folderHandler(new URL("site/", built), "img-src 'self'"),
  };
}

function folderHandler(folder: URL, allowed: string): HttpHandler {
  const policy = `default-src 'none'; script-src 'self'; style-src 'self'; ${allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`; // Invariant 1.
  // Read when the first page is asked for: most instances serve none.
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

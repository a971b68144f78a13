import { readFile } from "node:fs/promises";
import type { HttpHandler, InvocationContext } from "@azure/functions";
import { docsPage, PAGE_POLICY, START_SCRIPT } from "./docs-page.js";
import { SECURITY_HEADERS } from "./security-headers.js";
import { noSuchFile } from "./static-files.js";

/** What the build has taken from Swagger UI, and what each is. No other name is looked for: a path is never made of a request. */
const FILES: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
};
/** A browser may keep a file for an hour: that is how long a page may be older than its service. */
const FILE_CACHING = "public, max-age=3600";

interface File {
  readonly mediaType: string;
  readonly body: string | Uint8Array;
}

/** The page that shows the OpenAPI document to people, and its files, which lie in `folder`. It is no part of the API. */
export function docsHandlers(
  folder: URL,
): Readonly<Record<"getDocsPage" | "getDocsFile", HttpHandler>> {
  const files = new Map<string, Promise<File>>();
  return {
    getDocsPage: (request, context) => ({
      headers: {
        ...headersOf("text/html; charset=utf-8", context),
        "Content-Security-Policy": PAGE_POLICY,
      },
      body: docsPage(
        new URL(request.url).pathname.endsWith("/") ? "" : "docs/",
      ),
    }),

    getDocsFile: async (request, context) => {
      const name = request.params["file"] ?? "";
      let file = files.get(name);
      if (file === undefined) {
        file = read(folder, name);
        if (file === undefined)
          return noSuchFile(request, headersOf("", context));
        files.set(name, file);
      }
      const { mediaType, body } = await file;
      return {
        headers: {
          ...headersOf(mediaType, context),
          "Cache-Control": FILE_CACHING,
        },
        body,
      };
    },
  };
}

function read(folder: URL, name: string): Promise<File> | undefined {
  if (name === "start.js")
    return Promise.resolve({
      mediaType: "text/javascript; charset=utf-8",
      body: START_SCRIPT,
    });
  const mediaType = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
  if (mediaType === undefined) return undefined;
  return readFile(new URL(name, folder)).then((body) => ({
    mediaType,
    body,
  }));
}

function headersOf(
  mediaType: string,
  context: InvocationContext,
): Record<string, string> {
  return {
    ...SECURITY_HEADERS,
    "Content-Type": mediaType,
    "x-request-id": context.invocationId,
  };
}

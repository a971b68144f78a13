import type { HttpHandler, HttpMethod } from "@azure/functions";
import type { OpenApiDocument } from "./contract/openapi-document.js";
import type { HttpHandlers } from "./handlers.js";

/** A function with an HTTP trigger, as `app.http` of `@azure/functions` registers it by name. */
export interface HttpRoute {
  readonly name: string;
  readonly methods: HttpMethod[];
  /** Below the host's prefix, without a leading slash. */
  readonly route: string;
  readonly handler: HttpHandler;
}

/**
 * One route for each operation of the document; then its page, the docs, the page for people, and a
 * fallback for every other path or method.
 */
export function routesOf(document: OpenApiDocument, handlers: HttpHandlers): readonly HttpRoute[] {
  return [
    ...document.operations.map(({ operationId, method, path }) => ({
      name: functionName(operationId),
      methods: [method],
      route: path.slice(1),
      handler: handlers[operationId],
    })),
    {
      name: "get-docs-page",
      methods: ["GET"],
      route: "docs",
      handler: handlers.getDocs,
    },
    {
      name: "get-docs-file",
      methods: ["GET"],
      route: "docs/{path}",
      handler: handlers.getDocs,
    },
    {
      name: "get-guide",
      methods: ["GET"],
      route: "docs/guide",
      handler: handlers.getGuide,
    },
    {
      name: "get-guide-path",
      methods: ["GET"],
      route: "docs/guide/{*path}",
      handler: handlers.getGuide,
    },
    {
      name: "get-page",
      methods: ["GET"],
      route: "ui",
      handler: handlers.getPage,
    },
    {
      name: "get-page-path",
      methods: ["GET"],
      route: "ui/{*path}",
      handler: handlers.getPage,
    },
    {
      name: "unmatched-path",
      methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
      route: "{*path}",
      handler: handlers.fallback,
    },
  ];
}

/** `get-openapi-document` for `getOpenApiDocument`: OpenAPI and AsyncAPI are one word each. */
function functionName(operationId: string): string {
  return operationId
    .replace(/(?<=Open|Async)Api/u, "api")
    .replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`);
}

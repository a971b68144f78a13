import { readdirSync } from "node:fs";
import type { HttpHandler } from "@azure/functions";
import { expect, it } from "vitest";
import type { HttpHandlers } from "../../../src/http/handlers.js";
import { routesOf } from "../../../src/http/routes.js";
import { document, documentedOperations } from "./contract/document.js";

/** One handler for each name that is asked for, and the same one each time. */
const made = new Map<string, HttpHandler>();
const handlers = new Proxy({} as HttpHandlers, {
  get: (_, name: string) => {
    const handler = made.get(name) ?? (() => ({}));
    made.set(name, handler);
    return handler;
  },
});
const routes = routesOf(document, handlers);
const operations = documentedOperations();

it.each(operations)(
  "$operation.operationId has exactly one route, which leads to its handler",
  ({ template, method, operation: { operationId } }) => {
    const found = routes.filter(
      ({ route, methods }) =>
        `/${route}` === template && methods.some((each) => each.toLowerCase() === method),
    );
    expect(found).toHaveLength(1);
    expect(found[0]?.handler).toBe(handlers[operationId]);
  },
);

it("registers nothing else but the pages, their files, and an answer to every other path", () => {
  expect(routes).toHaveLength(operations.length + 7);
  const names = routes.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.slice(operations.length)).toEqual([
    "get-docs-page",
    "get-docs-file",
    "get-guide",
    "get-guide-path",
    "get-page",
    "get-page-path",
    "unmatched-path",
  ]);
});

it("names functions as their operations, in kebab case", () => {
  const names = routes.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      "put-image-version",
      "arm-list-image-versions",
      "get-openapi-document",
      "get-asyncapi-document",
    ]),
  );
  for (const name of names) expect(name).toMatch(/^[a-z]+(?:-[a-z]+)+$/u);
});

it("has one file for HTTP, and one for each queue and timer", () => {
  expect(readdirSync("functions").sort()).toEqual([
    "ageing.ts",
    "dead-letters.ts",
    "drift.ts",
    "http.ts",
    "image-version-creations.ts",
    "image-version-replications.ts",
    "image-version-requests.ts",
    "key-guardian.ts",
    "machine-tests.ts",
    "reconcile.ts",
    "retention.ts",
    "subscription-preparations.ts",
    "telemetry.ts",
  ]);
});

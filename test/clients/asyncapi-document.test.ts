import { fromFile, Parser } from "@asyncapi/parser";
import { expect, test } from "vitest";
import { withTitles } from "../../openapi/titles.mjs";
import { document } from "../unit/events/document.js";

/** Severities of the parser: 0 is an error, 1 a warning, the rest is advice. */
const WARNING = 1;

test.each([
  [
    "with the OpenAPI document beside it",
    () => fromFile(new Parser(), "openapi/asyncapi.yaml").parse(),
  ],
  ["with its schemas in it", () => new Parser().parse(JSON.stringify(document))],
  ["as a service answers it", () => new Parser().parse(JSON.stringify(withTitles(document)))],
])("the AsyncAPI document passes the official parser %s", async (_, parse) => {
  const { document: read, diagnostics } = await parse();
  expect(diagnostics.filter(({ severity }) => severity <= WARNING)).toEqual([]);
  expect(read?.allOperations().all()).toHaveLength(2);
});

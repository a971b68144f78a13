import { fromFile, Parser } from "@asyncapi/parser";
import { expect, it } from "vitest";
import { document, warningsIn } from "./document.js";

it("the AsyncAPI document passes the official parser, with the OpenAPI document beside it and with its schemas in it", async () => {
  const parsed = [
    await fromFile(new Parser(), "openapi/asyncapi.yaml").parse(),
    await new Parser().parse(JSON.stringify(document)),
  ];
  for (const { document: read, diagnostics } of parsed) {
    expect(warningsIn(diagnostics)).toEqual([]);
    expect(read?.allOperations().all()).toHaveLength(2);
  }
});

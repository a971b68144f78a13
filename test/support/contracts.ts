import { readFileSync } from "node:fs";
import type { OpenAPIV3 } from "openapi-types";
import { parse } from "yaml";
import { bundle, type AsyncApiDocument } from "../../openapi/bundle.mjs";

/** A folder's OpenAPI document, as people write it. */
export function readOpenApi(folder: string): OpenAPIV3.Document {
  return parse(readFileSync(`${folder}/openapi.yaml`, "utf8")) as OpenAPIV3.Document;
}

/** The AsyncAPI document beside it, with the schemas that it shares with `openApi`. */
export function readAsyncApi(folder: string, openApi: OpenAPIV3.Document): AsyncApiDocument {
  return bundle(
    parse(readFileSync(`${folder}/asyncapi.yaml`, "utf8")) as AsyncApiDocument,
    openApi.components?.schemas ?? {},
  );
}

import type { AsyncApiDocument } from "./bundle.mjs";

export function withTitles(document: AsyncApiDocument): AsyncApiDocument;

import type { components } from "../generated/openapi.js";

type Schemas = components["schemas"];

/** What a PUT of a test profile sends. */
export type TestProfileBody = Schemas["TestProfile"];
/** What the API answers. */
export type TestProfileView = Schemas["StoredTestProfile"];

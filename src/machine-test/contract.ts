import type { components } from "../generated/openapi.js";

type Schemas = components["schemas"];

/** What a PUT of a test profile sends. */
export type TestProfileBody = Schemas["TestProfile"];
/** What a test would make. */
export type TestPlan = Schemas["TestPlan"];
export type TestCost = Schemas["TestCost"];
/** What the API answers. */
export type TestProfileView = Schemas["StoredTestProfile"];

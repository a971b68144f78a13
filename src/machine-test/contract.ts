import type { components } from "../generated/openapi.js";

type Schemas = components["schemas"];

/** The body of a PUT of a test profile. */
export type TestProfileBody = Schemas["TestProfile"];
/** The answer to the plan of a test. */
export type TestPlan = Schemas["TestPlan"];
export type TestCost = Schemas["TestCost"];
/** A test profile in an answer. */
export type TestProfileView = Schemas["StoredTestProfile"];

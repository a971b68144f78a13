import type { components } from "../generated/openapi.js";

type Schemas = components["schemas"];

/** The body of a POST that reports a result, and the data of a message that does. */
export type TestResultReport = Schemas["TestResultReport"];

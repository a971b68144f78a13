import type { components } from "../generated/openapi.js";

type Schemas = components["schemas"];

/** What a POST of a result sends, and the data of a message that reports one. */
export type TestResultReport = Schemas["TestResultReport"];

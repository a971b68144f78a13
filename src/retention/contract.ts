import type { components } from "../generated/openapi.js";

type Schemas = components["schemas"];

/** Answers of the API. */
export type RetentionView = Schemas["Retention"];
export type RetentionPolicyView = Schemas["StoredRetentionPolicy"];

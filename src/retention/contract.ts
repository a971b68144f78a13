import type { components } from "../generated/openapi.js";

type Schemas = components["schemas"];

/** What the API answers. */
export type RetentionView = Schemas["Retention"];
export type RetentionPolicyView = Schemas["StoredRetentionPolicy"];

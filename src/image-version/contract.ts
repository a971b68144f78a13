import type { components } from "../generated/openapi.js";

type Schemas = components["schemas"];

/**
 * The body of a request: ARM's GalleryImageVersion as it is sent, per the OpenAPI document, with
 * its source.
 */
export type ImageVersionRequest = Omit<Schemas["GalleryImageVersion"], "properties"> & {
  properties: Schemas["GalleryImageVersionProperties"] & {
    storageProfile: Schemas["GalleryImageVersionStorageProfile"];
  };
};
export type PromotionRule = Schemas["Promotion"];
export type EncryptionRule = Schemas["EncryptionRule"];
export type TargetRegion = Schemas["TargetRegion"];

/** Answers of the API. */
export type ImageVersionView = Schemas["ImageVersion"];
export type ForecastView = Schemas["Forecast"];
export type PlanView = Schemas["Plan"];
export type ImageUseView = Schemas["ImageUse"];
export type AttentionView = Schemas["AttentionList"];
export type FoundImageVersionView = Schemas["FoundImageVersion"];
export type ImageSummaryView = Schemas["ImageSummary"];

import { describe, expect, it } from "vitest";
import type { AsyncApiDocument } from "../../../openapi/bundle.mjs";
import { asyncApiChanges } from "../../support/changes/asyncapi-changes.js";
import { add, changed, releasedEvents, remove, schema, set, type Change } from "./released.js";

describe("it breaks senders or subscribers", () => {
  const events = ["channels", "imageVersionEvents"];
  it.each<[string, string[], Change, string]>([
    [
      "that the topic is renamed",
      [...events, "address"],
      set("events"),
      "image-version-events is gone",
    ],
    [
      "that an event goes",
      [...events, "messages", "regionCompleted"],
      remove,
      "image-version-events regionCompleted is gone",
    ],
    [
      "that an event's type changes",
      schema("RegionCompleted", "allOf", "1", "properties", "type", "const"),
      set("Sigil.Other"),
      'regionCompleted: payload/type lacks "Sigil.ImageVersion.RegionCompleted"',
    ],
    [
      "that an event says less",
      schema("RegionCompletedData", "properties", "region"),
      remove,
      "regionCompleted: payload/data/region is gone",
    ],
    [
      "that the envelope says less",
      schema("CloudEvent", "required"),
      set(["id"]),
      "regionCompleted: payload/time is no longer always there",
    ],
    [
      "that more is required of a request",
      schema("ImageVersionRequest", "required"),
      set(["specversion", "id", "source", "type", "subject", "traceparent"]),
      "imageVersionRequest: payload/traceparent is required",
    ],
    [
      "that more is required of a binary request",
      schema("BinaryAttributes", "required"),
      set(["cloudEvents:traceparent"]),
      "imageVersionRequestBinary: properties/cloudEvents:traceparent is required",
    ],
    [
      "that a shared schema says less",
      schema("Finding", "properties", "code"),
      remove,
      "imageVersionFailed: payload/data/error/errors/*/code is gone",
    ],
  ])("%s", (_, path, change, message) => {
    const after: AsyncApiDocument = changed(releasedEvents, path, change);
    expect(asyncApiChanges(releasedEvents, after)).toEqual(
      expect.arrayContaining([expect.stringContaining(message)]),
    );
  });

  it("and nobody, that there are further events and properties", () => {
    const after = changed(
      changed(
        releasedEvents,
        schema("RegionCompletedData", "properties", "+"),
        add("more", { type: "string" }),
      ),
      [...events, "messages", "+"],
      add("more", { $ref: "#/components/messages/regionCompleted" }),
    );
    expect(asyncApiChanges(releasedEvents, after)).toEqual([]);
  });
});

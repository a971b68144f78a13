import type { OpenAPIV3 } from "openapi-types";
import { describe, expect, it } from "vitest";
import { openApiChanges } from "../../support/changes/openapi-changes.js";
import { add, changed, released, remove, schema, set, type Change } from "./released.js";

const OPERATIONS = ["paths", "/operations", "get"];

describe("it breaks callers", () => {
  it.each<[string, string[], Change, string]>([
    ["that a path goes", ["paths", "/operations"], remove, "GET /operations is gone"],
    ["that a method goes", OPERATIONS, remove, "GET /operations is gone"],
    [
      "that an operation is renamed",
      [...OPERATIONS, "operationId"],
      set("list"),
      "GET /operations is called list",
    ],
    [
      "that another role is needed",
      [...OPERATIONS, "x-required-role"],
      set("ImageVersions.Write"),
      "GET /operations needs the role ImageVersions.Write, not ImageVersions.Read",
    ],
    [
      "that an open operation is closed",
      ["paths", "/health/live", "get", "+"],
      (get) => {
        delete get["security"];
        get["x-required-role"] = "ImageVersions.Read";
      },
      "GET /health/live needs the role ImageVersions.Read, not none",
    ],
    [
      "that a parameter goes",
      [...OPERATIONS, "parameters", "0"],
      (list) => {
        (list as unknown as unknown[]).shift();
      },
      "GET /operations: query status is gone",
    ],
    [
      "that a parameter becomes required",
      [...OPERATIONS, "parameters", "0", "+"],
      add("required", true),
      "GET /operations: query status is required",
    ],
    [
      "that a parameter is bounded more",
      ["components", "parameters", "Top", "schema", "maximum"],
      set(50),
      "GET /operations: query top has maximum 50",
    ],
    [
      "that a default changes",
      ["components", "parameters", "Top", "schema", "default"],
      set(10),
      "GET /operations: query top is 10 where it is left out, and was 20",
    ],
    [
      "that a body becomes required",
      ["paths", "/subscriptions/{subscriptionId}/prepare", "post", "+"],
      add("requestBody", { required: true, content: {} }),
      "POST /subscriptions/{subscriptionId}/prepare: the body is required",
    ],
    [
      "that a property is required of them",
      schema("GalleryImageVersionProperties", "+"),
      add("required", ["publishingProfile"]),
      "/properties/publishingProfile is required",
    ],
    [
      "that a property is no longer taken",
      schema("TargetRegion", "properties", "excludeFromLatest"),
      remove,
      "/properties/publishingProfile/targetRegions/*/excludeFromLatest is gone",
    ],
    [
      "that a value is no longer taken",
      schema("HostCaching", "enum"),
      set(["None", "ReadOnly"]),
      'hostCaching lacks "ReadWrite"',
    ],
    ["that a text is bounded", schema("LogicalUnitNumber", "minimum"), set(1), "lun has minimum 1"],
    [
      "that a pattern changes",
      schema("VersionName", "pattern"),
      set("^1$"),
      "path versionName has another pattern",
    ],
    [
      "that a type changes",
      schema("ReplicaCount", "type"),
      set("string"),
      "regionalReplicaCount was of type integer and is of type string",
    ],
    [
      "that an object is closed",
      schema("Tags", "additionalProperties"),
      set(false),
      "/tags takes no further properties",
    ],
    [
      "that an answer goes",
      [...OPERATIONS, "responses", "200"],
      remove,
      "GET /operations: 200 is gone",
    ],
    [
      "that a media type goes",
      [...OPERATIONS, "responses", "200", "content"],
      set({}),
      "GET /operations: 200 body: application/json is gone",
    ],
    [
      "that a header goes",
      ["components", "responses", "MethodNotAllowed", "headers", "Allow"],
      remove,
      "GET /operations: 405: header Allow is gone",
    ],
    [
      "that a header may be absent",
      ["components", "headers", "Allow", "required"],
      set(false),
      "GET /operations: 405: header Allow is no longer always there",
    ],
    [
      "that a property is no longer answered",
      schema("Operation", "properties", "history"),
      remove,
      "GET /operations/{operationId}: 200 body/history is gone",
    ],
    [
      "that a property may be absent",
      schema("OperationList", "required"),
      set([]),
      "GET /operations: 200 body/value is no longer always there",
    ],
    [
      "that an answer may have a new value of a closed list",
      schema("OperationStatus", "enum"),
      set(["NotStarted", "Running", "Succeeded", "Failed", "Canceled", "Paused"]),
      'status may be "Paused", which no caller knows',
    ],
    [
      "that a value of an open list goes",
      schema("OperationKind", "x-extensible-enum"),
      set(["CreateImageVersion"]),
      'kind lacks "PrepareSubscription"',
    ],
  ])("%s", (_, path, change, message) => {
    expect(openApiChanges(released, changed(released, path, change))).toEqual(
      expect.arrayContaining([expect.stringContaining(message)]),
    );
  });
});

describe("it breaks nobody", () => {
  it.each<[string, string[], Change]>([
    ["that nothing changes", ["+"], () => undefined],
    [
      "that there is a new path",
      ["paths", "+"],
      add("/more", { get: released.paths["/operations"]?.get }),
    ],
    [
      "that there is a new parameter that may be left out",
      [...OPERATIONS, "parameters", "+"],
      (list) => {
        (list as unknown as OpenAPIV3.ParameterObject[]).push({
          in: "query",
          name: "more",
          schema: { type: "string" },
        });
      },
    ],
    [
      "that a property more is taken",
      schema("TargetRegion", "properties", "+"),
      add("more", { type: "string" }),
    ],
    [
      "that a property more is answered",
      schema("Operation", "properties", "+"),
      add("more", { type: "string" }),
    ],
    [
      "that a property is no longer required of them",
      schema("GalleryImageVersion", "required"),
      set(["properties"]),
    ],
    [
      "that a value more is taken",
      ["components", "parameters", "Plan", "schema", "enum"],
      set(["require", "more"]),
    ],
    [
      "that an open list grows",
      schema("OperationKind", "x-extensible-enum"),
      (parent, name) => {
        (parent[name] as string[]).push("More");
      },
    ],
    ["that an operation is opened", [...OPERATIONS, "+"], add("security", [])],
    [
      "that there is a new problem",
      [...OPERATIONS, "responses", "+"],
      add("418", { description: "I am a teapot" }),
    ],
  ])("%s", (_, path, change) => {
    expect(openApiChanges(released, changed(released, path, change))).toEqual([]);
  });
});

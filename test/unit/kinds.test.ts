import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { KINDS } from "../../src/kinds.js";
import { failure } from "../../src/operation/failing.js";
import { kindOf, stateOf } from "../../src/operation/kinds.js";
import type { OperationRecord } from "../../src/operation/records.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { accepted, at } from "../support/transitions.js";
import { eventMistakes } from "./events/document.js";

test("the kinds are those of the API", () => {
  const { components } = parse(readFileSync("openapi/openapi.yaml", "utf8")) as {
    components: {
      schemas: { OperationKind: { "x-extensible-enum": readonly string[] } };
    };
  };
  expect(Object.keys(KINDS)).toEqual(components.schemas.OperationKind["x-extensible-enum"]);
});

test("their queues are deployed", () => {
  const deployed = readFileSync("infra/service-bus-emulator.json", "utf8");
  for (const { states } of Object.values(KINDS))
    for (const { queue } of Object.values(states))
      if (queue !== undefined) expect(deployed).toContain(`"${queue}"`);
});

describe.each(Object.keys(KINDS))("%s", (kind) => {
  test("fails with an event of the document", () => {
    const operation: OperationRecord = {
      ...accepted().operation,
      kind,
      regions: [],
      ...(kind === "PrepareSubscription" && {
        resourceId: `/subscriptions/${LOCAL_SUBSCRIPTION_ID}`,
      }),
      ...(kind === "TestImageVersion" && { detail: [] }),
      ...(kind === "RollBackImage" && {
        detail: { from: "1.0.1", to: "1.0.0", regions: [] },
      }),
      ...(kind === "RunBatch" && {
        detail: { command: "patchImageVersion", counts: {}, items: [] },
      }),
    };
    const error = { code: "X", message: "It is so.", errors: [] };
    const { event } = failure(operation, error, [], at(0));
    if (event.kind !== "event") expect.fail(event.kind);
    expect(eventMistakes(event.event)).toEqual([]);
    expect(event.event.data).toMatchObject({
      operationId: operation.id,
      error: { ...error, errorCount: 0 },
    });
  });
});

test("a kind or a state that was never registered is a mistake that is told", () => {
  const { record, operation } = accepted();
  expect(() => kindOf({ kinds: KINDS }, { kind: "Other" })).toThrow(
    new TypeError("Other is no known kind"),
  );
  expect(() =>
    stateOf({ kinds: KINDS }, { record: { ...record, state: "Requested" }, operation }),
  ).toThrow(new TypeError("CreateImageVersion has no state Requested"));
});

import { expect, test } from "vitest";
import { failure, fail } from "../../../src/operation/failing.js";
import { at, eventsOf, succeeded, accepted } from "../../support/transitions.js";

const ERROR = { code: "X", message: "No.", errors: [] };

test("an operation that fails says why, and how each of its regions ended", () => {
  const { record, operation } = succeeded();
  const ending = failure(operation, ERROR, record.regions, at(60));
  expect(ending).toMatchObject({
    status: "Failed",
    message: "No.",
    error: ERROR,
    event: {
      event: {
        type: "Sigil.ImageVersion.Failed",
        data: {
          error: { code: "X", message: "No.", errorCount: 0 },
          regions: [
            { name: "westus", state: "Completed" },
            { name: "eastus2", state: "Completed" },
          ],
        },
      },
    },
  });
});

test("one without regions, or whose kind has none, says nothing of regions", () => {
  const { operation } = accepted();
  const prepares = { ...operation, kind: "PrepareSubscription", regions: [] };
  const { event } = failure(prepares, ERROR, [], at(60));
  expect(JSON.stringify(event)).not.toContain('"regions"');
});

test("what is to be told beside its end is told before", () => {
  const [first] = accepted().record.outbox;
  const pair = succeeded();
  const running = {
    ...pair,
    record: { ...pair.record, state: "Replicating" },
  } as const;
  const after = fail(running, ERROR, at(60), first ? [first] : []);
  expect(after.record.outbox).toContain(first);
  expect(eventsOf(after).at(-1)?.type).toBe("Sigil.ImageVersion.Failed");
});

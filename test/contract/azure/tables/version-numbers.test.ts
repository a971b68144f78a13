/** What numbers cost: requests to Table Storage, as they go over the wire. */
import { describe, expect, onTestFinished, test } from "vitest";
import { createVersionNumbers } from "../../../../src/azure/tables/version-numbers.js";
import { startMemoryTables } from "@sigil-local/stack/memory-tables";
import { TIME } from "../../../support/port-suites/records.js";

const now = (): Date => new Date(TIME);

describe("fifty requests for a number at once", () => {
  const fiftyOn = async (hosts: number) => {
    const asked = { read: 0, write: 0, transaction: 0 };
    const counted = await startMemoryTables({
      onRequest({ kind }) {
        if (kind in asked) asked[kind as keyof typeof asked] += 1;
      },
    });
    onTestFinished(() => counted.close());
    const { connectionString } = counted;
    const numbers = Array.from({ length: hosts }, () =>
      createVersionNumbers({ kind: "connectionString", connectionString }, now),
    );
    const given = await Promise.all(
      numbers.flatMap((host, h) =>
        Array.from({ length: Math.ceil((50 - h) / hosts) }, (_, i) =>
          host.allocate("/images/one", {
            requestKey: `${h} ${i}`,
            above: undefined,
            increment: "patch",
          }),
        ),
      ),
    );
    expect(new Set(given).size).toBe(50);
    return { given, asked };
  };

  test("of one host take two transactions: one, and a run of all that came meanwhile", async () => {
    const { given, asked } = await fiftyOn(1);
    expect(given).toEqual(Array.from({ length: 50 }, (_, i) => `1.0.${i}`));
    expect(asked).toEqual({ transaction: 2, read: 2, write: 0 });
  });

  test("of four hosts take some for each host, not for each request", async () => {
    const { asked } = await fiftyOn(4);
    expect(asked.transaction).toBeLessThanOrEqual(32);
    expect(asked.read).toBeLessThanOrEqual(32);
  });
});

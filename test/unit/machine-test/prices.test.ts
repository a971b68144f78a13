import { expect, test } from "vitest";
import { costOf } from "../../../src/machine-test/prices.js";

const at = { region: "westus", machineSize: "Standard_D2s_v5" };
const priced = (hour: number) => ({
  currency: "EUR",
  hour: { standard_d2s_v5: hour },
});

test.each([
  [0.1, 3, 60, 0.3],
  [0.096, 3, 60, 0.29],
  [0.0001, 1, 1, 0.01],
  [2, 3, 90, 9],
])("%s an hour, %s machines of %s minutes: at most %s", (...given) => {
  const [hour, machines, minutes, atMost] = given;
  expect(costOf(priced(hour), at, machines, minutes)).toMatchObject({
    currency: "EUR",
    hour,
    atMost,
  });
});

test("a region's own price goes first; no price is none, also under the name of a member of every object", () => {
  const prices = {
    currency: "EUR",
    hour: { standard_d2s_v5: 1, "westus/standard_d2s_v5": 2 },
  };
  expect(costOf(prices, at, 1, 60).atMost).toBe(2);
  expect(costOf(prices, { ...at, region: "eastus2" }, 1, 60).atMost).toBe(1);
  for (const machineSize of ["Standard_D4s_v5", "constructor", "__proto__"]) {
    const cost = costOf(prices, { ...at, machineSize }, 1, 60);
    expect(Object.keys(cost)).toEqual(["message"]);
    expect(cost.message).toContain(
      `SIGIL_TEST_MACHINE_PRICES has no price of ${machineSize} in westus`,
    );
  }
});

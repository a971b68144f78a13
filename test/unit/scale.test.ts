/** What may be under way at once, against the limits of Azure Resource Manager and of Flex Consumption. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SIZES, SPREAD_BELOW } from "../../src/azure/arm/pacer.js";

const template = readFileSync("infra/main.bicep", "utf8");
const { maxConcurrentCalls } = (
  JSON.parse(readFileSync("host.json", "utf8")) as {
    extensions: { serviceBus: { maxConcurrentCalls: number } };
  }
).extensions.serviceBus;

function defaultOf(parameter: string): number {
  const [, value] =
    new RegExp(`^param ${parameter} .*= (\\d+)$`, "mu").exec(template) ?? [];
  if (value === undefined)
    throw new TypeError(`main.bicep has no default of ${parameter}`);
  return Number(value);
}

const instances = defaultOf("maximumInstanceCount");

test.each(Object.entries(SIZES))(
  "a step each of all instances leaves of %s as much as calls are spread at",
  (_, { calls }) => {
    expect(instances * maxConcurrentCalls).toBeLessThanOrEqual(
      calls * (1 - SPREAD_BELOW),
    );
  },
);

test("each function that scales by itself may have an instance: HTTP, each queue, each timer", () => {
  const files = readdirSync("functions").filter(
    (file) => file !== "telemetry.ts",
  );
  expect(files).toHaveLength(10);
  expect(instances).toBeGreaterThanOrEqual(files.length);
});

test("instances of the largest size are within what Flex Consumption gives a subscription in a region", () => {
  expect(instances * 4_096).toBeLessThan(512_000);
});

test("docs/deploy.md says these figures", () => {
  const text = readFileSync("docs/deploy.md", "utf8").replaceAll(/\s+/gu, " ");
  expect(text).toContain(
    `\`maximumInstanceCount\` ${instances} × \`maxConcurrentCalls\` ${maxConcurrentCalls} = ${instances * maxConcurrentCalls} steps`,
  );
  expect(text).toContain(`\`httpConcurrency\` ${defaultOf("httpConcurrency")}`);
  expect(text).toContain(
    `\`instanceMemoryMB\` ${defaultOf("instanceMemoryMB")}`,
  );
});

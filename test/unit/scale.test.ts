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
  const [, value] = new RegExp(`^param ${parameter} .*= (\\d+)$`, "mu").exec(template) ?? [];
  if (value === undefined) throw new TypeError(`main.bicep has no default of ${parameter}`);
  return Number(value);
}

const instances = defaultOf("maximumInstanceCount");
/** The maximum counts for each of these alone: Azure scales HTTP together, and every other function by itself. */
const groups = readdirSync("functions").filter((file) => file !== "telemetry.ts");
const queues = groups.filter((file) =>
  readFileSync(`functions/${file}`, "utf8").includes(".generic("),
);
const steps = queues.length * instances * maxConcurrentCalls;

test.each(Object.entries(SIZES))(
  "a step each of all instances leaves of %s as much as calls are spread at",
  (_, { calls }) => {
    expect(queues).toHaveLength(5);
    expect(steps).toBeLessThanOrEqual(calls * (1 - SPREAD_BELOW));
  },
);

/** Where Azure takes no lower maximum. */
const MANY = 40;

test.each(Object.entries(SIZES))(
  "with 40 instances, each of which takes one step at a time, a step each is within %s",
  (_, { calls }) => {
    expect(queues.length * MANY).toBeLessThanOrEqual(calls);
  },
);

test("instances of the largest size are within what Flex Consumption gives a subscription in a region", () => {
  expect(groups.length * instances * 4_096).toBeLessThan(512_000);
});

test("docs/reference/deployment.md says these figures", () => {
  const text = readFileSync("docs/reference/deployment.md", "utf8").replaceAll(/\s+/gu, " ");
  expect(text).toContain(
    `${queues.length} queues × \`maximumInstanceCount\` ${instances} × \`maxConcurrentCalls\` ${maxConcurrentCalls} = ${steps} steps`,
  );
  expect(text).toContain(`${queues.length} × ${MANY} × 1 = ${queues.length * MANY} steps`);
  expect(text).toContain(`\`httpConcurrency\` ${defaultOf("httpConcurrency")}`);
  expect(text).toContain(`\`instanceMemoryMB\` ${defaultOf("instanceMemoryMB")}`);
});

// What Sigil costs in a month, as a table in Markdown: `node infra/costs.mjs [prices.json]`. Of counts (counts.json: measured by a
// test, or assumed, and said to be) and prices (prices.json, or a file of the same form).
import { readFileSync } from "node:fs";

const read = (file) => JSON.parse(readFileSync(file, "utf8"));
const { measured, assumed } = read(new URL("counts.json", import.meta.url));
const prices = read(process.argv[2] ?? new URL("prices.json", import.meta.url));

const requestsOf = ({ reads, writes, transactions }) => reads + writes + transactions;

/** What is billed of the timers and of the availability test from three places, and of so many versions in ten regions; a client `waits` for each. */
function usageOf(versions, gigabytes, waits) {
  const { version } = measured;
  const { receiversOfEvents, runsAMonth: runs } = assumed;
  const timers = Object.values(runs).reduce((sum, count) => sum + count, 0);
  // Each reads one row.
  const reads = waits ? version.waits : 0;
  // The HTTP requests, and each step.
  const executions = 1 + version.steps + reads;
  const seconds = assumed.secondsOfFirstStep + (executions - 1) * assumed.secondsOfOthers;
  return {
    "table requests":
      runs.reconcile *
        (requestsOf(measured.idleReconcile) + assumed.readsOfTestGroups + assumed.readsOfRollouts) +
      runs.retention * (assumed.readsOfRetention + Math.ceil(versions / assumed.rowsOfPage)) +
      runs.keyGuardian * assumed.readsOfKeyGuardian +
      runs.drift * (assumed.readsOfDrift + Math.ceil(versions / assumed.rowsOfPage)) +
      versions * assumed.readsByDriftUntilListed +
      runs.ageing * assumed.readsOfAgeing +
      runs.readiness * assumed.readsOfReadiness +
      versions * (requestsOf(version) + reads),
    "Service Bus operations":
      runs.deadLetters * assumed.peeksOfDeadLetters +
      runs.readiness * assumed.peeksOfReadiness +
      versions * (2 * version.messages + (1 + receiversOfEvents) * version.events),
    executions: timers + versions * executions,
    "GB-seconds": (timers * assumed.secondsOfOthers + versions * seconds) * gigabytes,
  };
}

const beyond = (used, free) => Math.max(0, used - free);

function pricesOf(usage) {
  const { tables, serviceBus, functions } = prices;
  return {
    "table requests": (usage["table requests"] / 10_000) * tables.tenThousandTransactions,
    "Service Bus operations":
      (beyond(usage["Service Bus operations"], serviceBus.freeOperations) / 1e6) *
      serviceBus.millionOperations,
    executions:
      (beyond(usage.executions, functions.freeExecutions) / 1e6) * functions.millionExecutions,
    "GB-seconds":
      beyond(usage["GB-seconds"], functions.freeGigabyteSeconds) * functions.gigabyteSecond,
  };
}

const money = (amount) => amount.toFixed(2);
const number = (count) => count.toLocaleString("en-US");
const VERSIONS = [0, 1_000, 10_000];
const priceOf = (...of) => Object.values(pricesOf(usageOf(...of))).reduce((a, b) => a + b);
const { instanceGigabytes } = assumed;
const months = VERSIONS.map((versions) => {
  const usage = usageOf(versions, instanceGigabytes, false);
  const costs = pricesOf(usage);
  const sum = priceOf(versions, instanceGigabytes, true);
  const waiting = sum - priceOf(versions, instanceGigabytes, false);
  return { versions, usage, costs, waiting, sum };
});
/** A thousand more than so many. */
const thousandAfter = (versions, ...of) =>
  `**${money(priceOf(versions + 1_000, ...of) - priceOf(versions, ...of))}**`;
/** As the first of a month, and where nothing is free any more. */
const thousands = (...of) => [0, 100_000].map((versions) => thousandAfter(versions, ...of));
const [first, later] = thousands(instanceGigabytes, false);
const [waitedFirst, waitedLater] = thousands(instanceGigabytes, true);
const [smallFirst, smallLater] = thousands(0.5, false);
const base = prices.serviceBus.hour * assumed.hoursAMonth;
const row = (cells) => `| ${cells.join(" | ")} |`;
console.log(
  [
    row([
      `a month, in ${prices.currency}`,
      ...months.map(({ versions }) => (versions === 0 ? "idle" : `${number(versions)} versions`)),
    ]),
    row(["---", ...months.map(() => "---:")]),
    ...Object.keys(months[0].usage).map((name) =>
      row([
        name,
        ...months.map(({ usage, costs }) => `${number(usage[name])}: ${money(costs[name])}`),
      ]),
    ),
    row([
      "a client waits for each",
      ...months.map(
        ({ versions, waiting }) =>
          `${number(versions * measured.version.waits)}: ${money(waiting)}`,
      ),
    ]),
    row(["Service Bus namespace", ...months.map(() => money(base))]),
    row(["**sum**", ...months.map(({ sum }) => `**${money(sum + base)}**`)]),
    "",
    `A thousand versions cost ${first} as the first of a month, ${later} where nothing is free any more, ${waitedFirst} and ${waitedLater} if a client waits for each; with \`instanceMemoryMB\` 512 ${smallFirst} and ${smallLater}, if a quarter of the processor takes no longer. It is less where an instance takes several steps at a time, which are billed once.`,
    "",
    `Example prices of ${prices.region}, ${prices.asOf}. ${prices.note}`,
  ].join("\n"),
);

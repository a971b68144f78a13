#!/usr/bin/env node
import { runCommand } from "@sigil-local/command-line";
import { setTimeout as delay } from "node:timers/promises";
import { nextInterruption } from "../interruption.js";
import { Teardown } from "../teardown.js";
import { demonstrate, EXPECTED_VERSIONS } from "./demonstration.js";
import { ExpectedEvents } from "./expected-events.js";
import { USAGE, readOptions, type DemoOptions } from "./options.js";
import { barsOn, linesOn } from "./progress.js";
import { styleFor } from "./style.js";

const MOST_WARNINGS = 10;

/** Runs the demo and returns its exit code. */
async function run(options: DemoOptions): Promise<number> {
  const startedMs = Date.now();
  const interruption = nextInterruption();
  const teardown = new Teardown();
  const expectedEvents = new ExpectedEvents(EXPECTED_VERSIONS);
  const warnings: string[] = [];
  const stream = options.json ? process.stderr : process.stdout;
  const style = styleFor(stream, process.env);
  const bars = stream.isTTY && !options.json;
  const progress = bars ? barsOn(stream, style) : linesOn(stream);
  try {
    const end = await Promise.race([
      interruption,
      deadline(options.timeoutSeconds, expectedEvents),
      demonstrate({
        teardown,
        expectedEvents,
        progress,
        style,
        barsInLines: !bars,
        columns: stream.isTTY ? Math.min(stream.columns, 100) : Infinity,
        onJson: options.json ? (event) => console.log(JSON.stringify(event)) : undefined,
        onWarning: (line) => {
          warnings.push(line);
          if (warnings.length > MOST_WARNINGS) warnings.shift();
        },
      }),
    ]);
    progress.stop();
    if (options.open && typeof end === "string") {
      stream.write(
        `All as it should be. Look at it: ${end}/api/ui/ (sign in as reader, writer or admin). Ctrl-C ends it.\n`,
      );
      await interruption;
      await teardown.run();
      return 0;
    }
    await teardown.run();
    if (typeof end !== "string") return end.exitCode;
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(0);
    stream.write(`All as it should be, in ${seconds} s. Nothing is left behind.\n`);
    return 0;
  } catch (error) {
    progress.stop();
    const message = error instanceof Error ? error.message : String(error);
    console.error(`The demo failed. ${message}`);
    if (warnings.length > 0) console.error(`Last warnings:\n${warnings.join("\n")}`);
    return 1;
  } finally {
    await teardown.run().catch(() => undefined);
  }
}

async function deadline(seconds: number, expectedEvents: ExpectedEvents): Promise<never> {
  await delay(seconds * 1000, undefined, { ref: false });
  throw new Error(
    `It is not done after ${seconds} s; missing: ${expectedEvents.missing().join(", ")}.`,
  );
}

process.exit(await runCommand({ usage: USAGE, readOptions, run }));

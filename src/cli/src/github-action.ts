/**
 * integrations/github: runs the command line for a step of a workflow, and reports the result to
 * GitHub.
 */
import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { runAction } from "./action.js";

const interruption = new AbortController();
process.once("SIGINT", () => interruption.abort());
process.once("SIGTERM", () => interruption.abort());

void runAction({
  io: {
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    // The log shows both streams, but keeps the order only within one.
    stderr: process.stdout,
    environment: process.env,
    interrupted: interruption.signal,
    fetch: (address, init) => fetch(address, init),
    browse: () => Promise.resolve(false),
    sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
  },
  append: appendFileSync,
}).then((code) => {
  process.exitCode = code;
});

#!/usr/bin/env node
import { setTimeout } from "node:timers/promises";
import { browse } from "./browser.js";
import { EXIT_CODES } from "./exit-codes.js";
import { run } from "./run.js";

const [INTERRUPTED] = EXIT_CODES.interrupted;

const interruption = new AbortController();
// A second Ctrl-C ends the process at once.
process.once("SIGINT", () => interruption.abort());
process.once("SIGTERM", () => interruption.abort());
// A reader such as head may close the pipe. Then stop as for Ctrl-C.
let isUnread = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  isUnread = true;
  interruption.abort();
});

// Node.js creates each of these on first use, which takes longer than the rest of --help.
let stdin: NodeJS.ReadStream | undefined;
void run(process.argv.slice(2), {
  get stdin() {
    return (stdin ??= process.stdin);
  },
  stdout: process.stdout,
  get stderr() {
    return process.stderr;
  },
  environment: process.env,
  interrupted: interruption.signal,
  fetch: (address, init) => fetch(address, init),
  browse,
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
}).then((code) => {
  process.exitCode = isUnread && code === INTERRUPTED ? 0 : code;
  // Unread input must not keep the process running.
  stdin?.destroy();
});

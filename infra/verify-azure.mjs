// How infra/verify.mjs asks az and Azure Resource Manager.
import { execFile } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";

const MAX_BUFFER = 100_000_000;

export async function run(command, ...args) {
  const { stdout } = await promisify(execFile)(command, args, { maxBuffer: MAX_BUFFER });
  return stdout.trim();
}

/** A list of words: a region may have the name "West Europe". */
export async function az(words) {
  return JSON.parse((await run("az", ...words, "--output", "json")) || "null");
}

export function said({ status, body }) {
  const { code, message } = body.error ?? body;
  return { status, code, message };
}

/** `stopped` is asked before each call and look: what is true then ends the questions. */
export function connect({ arm, waitMs, stopped }) {
  const tokens = {};
  const pause = (waits = 1) => setTimeout(waits * waitMs);
  const mayGoOn = () => {
    if (stopped()) throw new Error("It was stopped.");
  };

  /** What is found within so many minutes, of six waits each. */
  async function until(find, minutes = 120) {
    const end = Date.now() + minutes * 6 * waitMs;
    do {
      mayGoOn();
      const found = await find();
      if (found) return found;
      await pause();
    } while (Date.now() < end);
    throw new Error(`It was not so after ${minutes} minutes.`);
  }

  /** A token is good for an hour, and one of five minutes ago for long enough. */
  function tokenFor(scope) {
    const key = `${scope} ${Math.floor(Date.now() / 300_000)}`;
    return (tokens[key] ??= az(["account", "get-access-token", "--scope", scope]));
  }

  async function call(method, address, content, { scope = `${arm}/.default`, headers = {} } = {}) {
    mayGoOn();
    const url = new URL(address, arm);
    if (url.href.startsWith(arm) && !url.searchParams.has("api-version"))
      url.searchParams.set("api-version", apiVersionOf(url.pathname));
    const response = await fetch(url, {
      method,
      headers: {
        ...(scope && { Authorization: `Bearer ${(await tokenFor(scope)).accessToken}` }),
        "Content-Type": "application/json",
        ...headers,
      },
      body: content && JSON.stringify(content),
    });
    const text = await response.text();
    const { status, headers: told } = response;
    return { status, told, body: parsed(text), atMs: Date.now() };
  }

  /** When each region had ended, as Azure showed it. */
  async function settled(id) {
    const began = Date.now();
    const seconds = {};
    return await until(async () => {
      const { body } = await call("GET", `${id}?$expand=ReplicationStatus`);
      const { provisioningState, replicationStatus } = body.properties ?? {};
      const running = [];
      const failed = [];
      for (const { region, state } of replicationStatus?.summary ?? []) {
        if (state === "Failed") failed.push(region);
        if (!/Completed|Failed/u.test(state)) running.push(region);
        else seconds[`${region} ${state}`] ??= (Date.now() - began) / 1_000;
      }
      if (/Succeeded|Failed/u.test(provisioningState))
        return { provisioningState, seconds, running, failed };
    });
  }

  /** How soon it was not there, and how often it was again within fifty looks. */
  async function gone(id) {
    const began = Date.now();
    const missing = async () => (await call("GET", id)).status === 404;
    await until(missing);
    const gone = { seconds: (Date.now() - began) / 1_000, shownAgain: 0 };
    for (let look = 0; look < 50; look += 1, await pause(0.1))
      if (!(await missing())) gone.shownAgain += 1;
    return gone;
  }

  return { call, gone, pause, settled, until };
}

function apiVersionOf(path) {
  if (/\/Microsoft\.KeyVault\//iu.test(path)) return "2026-02-01";
  return /\/(?:disks|snapshots)\//iu.test(path) ? "2025-01-02" : "2025-03-03";
}

/** A page of a proxy, say, is no JSON. */
function parsed(text) {
  try {
    return JSON.parse(text || "{}");
  } catch {
    return { message: text };
  }
}

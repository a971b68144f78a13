/** What is asked before a deleted version is deleted for good, and how long that is waited for. */
import { expect, it } from "vitest";
import { inCommands } from "../../../src/cli/src/words.js";
import { AT, runLine, type Reply, type Request } from "./command-line.js";

const LINE = `image-version purge ${AT} -e 1.1.0`;
const LISTED = {
  id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/G/images/i/versions/1.1.0",
  name: "1.1.0",
  location: "westus",
};

/** A service whose list has the version so often after the DELETE. */
function service(times: number): (request: Request) => Reply {
  let left = times;
  return ({ method, path }) => {
    if (method === "DELETE") {
      expect(path).toMatch(/\/images\/MyImage\/deleted-versions\/1\.1\.0$/u);
      return [202, LISTED, { "Retry-After": "30" }];
    }
    expect(path).toMatch(/\/deleted-versions$/u);
    left -= 1;
    return [200, { value: left < 0 ? [] : [LISTED] }];
  };
}

const methods = (requests: readonly Request[]): readonly string[] =>
  requests.map(({ method }) => method);

it("waits until Azure no longer lists the version", async () => {
  const sleeps: number[] = [];
  const { code, requests } = await runLine(LINE, service(2), {
    sleep: (ms) => Promise.resolve(void sleeps.push(ms)),
  });
  expect(code).toBe(0);
  expect(methods(requests)).toEqual(["DELETE", "GET", "GET", "GET"]);
  expect(sleeps).toEqual([30_000, 30_000]);
});

it("waits no longer than --timeout, and not at all with --no-wait", async () => {
  const sleep = () => Promise.resolve();
  const late = await runLine(`${LINE} --timeout 60`, service(9), { sleep });
  expect(late.code).toBe(5);
  expect(methods(late.requests)).toEqual(["DELETE", "GET", "GET", "GET"]);
  const atOnce = await runLine(`${LINE} --no-wait`, service(9));
  expect(atOnce.code).toBe(0);
  expect(methods(atOnce.requests)).toEqual(["DELETE"]);
});

it("asks for the number on a terminal, unless --yes is given", async () => {
  const terminal = { isTerminal: true } as const;
  const other = await runLine(LINE, service(0), {
    ...terminal,
    stdin: "1.0.0\n",
  });
  expect(other.code).toBe(130);
  expect(other.requests).toEqual([]);
  for (const [line, stdin] of [
    [LINE, "1.1.0\n"],
    [`${LINE} --yes`, ""],
  ] as const)
    expect((await runLine(line, service(0), { ...terminal, stdin })).code).toBe(0);
});

it("is what a refusal by the service names", () => {
  expect(inCommands("Send DELETE …/deleted-versions/1.1.0.")).toBe(
    "Send sigil image-version purge -e 1.1.0.",
  );
});

import { setImmediate } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { namespaceOf } from "../../../src/cli/src/service-bus.js";
import { runLine, VERSION, type Reply, type Request, type RunOptions } from "./command-line.js";

const KEY = "Endpoint=sb://localhost:5672;SharedAccessKeyName=Key";
const LOCAL = `${KEY};SharedAccessKey=c2VjcmV0==;UseDevelopmentEmulator=true`;

const event = (type: string, data: object = {}, subject: string = VERSION.id) => ({
  specversion: "1.0",
  id: type,
  source: "urn:sigil",
  type: `Sigil.ImageVersion.${type}`,
  time: "2026-01-01T12:03:04Z",
  subject,
  data: { operationId: "op-1", ...data },
});

/** There is nothing to receive for a while. */
async function nothing(): Promise<Reply> {
  await setImmediate();
  return [204, ""];
}

/** Service Bus, which gives these answers to those who receive, and then nothing more. */
function topic(...answers: readonly Reply[]) {
  let next = 0;
  return ({ method, path }: Request): Reply | Promise<Reply> => {
    if (method === "PUT") return [201, ""];
    if (!path.includes("/messages/head")) return [200, ""];
    return answers[next++] ?? nothing();
  };
}
const tail = (
  line: string,
  reply: (request: Request, number: number) => Reply | Promise<Reply>,
  options: RunOptions = {},
) =>
  runLine(`events tail ${line}`, reply, {
    ...options,
    environment: { SIGIL_SERVICE_BUS: LOCAL, ...options.environment },
  });
const listen = (...types: readonly string[]) =>
  topic(...types.map((type): Reply => [200, event(type)]));

describe("events tail", () => {
  it("makes a subscription of its own, prints a line of JSON each, and deletes it", async () => {
    const { code, stdout, requests } = await tail("--count 2", listen("Accepted", "Completed"));
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { id: string }).id),
    ).toEqual(["Accepted", "Completed"]);
    const [made, ...rest] = requests;
    const name = /^\/image-version-events\/subscriptions\/(sigil-tail-[^?]+)/u.exec(
      made?.path ?? "",
    )?.[1];
    expect(name?.length).toBeLessThanOrEqual(50);
    expect(made?.body).toContain("<AutoDeleteOnIdle>PT5M</AutoDeleteOnIdle>");
    expect(made?.headers.get("Authorization")).toMatch(
      /^SharedAccessSignature sr=http%3A%2F%2Flocalhost%3A5672%2Fimage-version-events&sig=.+&se=\d+&skn=Key$/u,
    );
    expect(rest.map(({ method, path }) => `${method} ${path}`)).toEqual([
      ...Array<string>(2).fill(
        `DELETE /image-version-events/subscriptions/${name}/messages/head?timeout=30`,
      ),
      `DELETE /image-version-events/subscriptions/${name}?api-version=2021-05`,
    ]);
  });

  it("on a terminal says it in words", async () => {
    const { stdout } = await tail(
      "--count 3",
      topic(
        [200, event("RegionReplicating", { region: "westus", progress: 40 })],
        [200, event("Failed", { error: { message: "No\ncapacity\u001b[2J." } })],
        [200, event("Rejected", { error: { message: "Twice." } }, "urn:x")],
      ),
      { isTerminal: true },
    );
    const at = new Date("2026-01-01T12:03:04Z").toTimeString().slice(0, 8);
    expect(stripVTControlCharacters(stdout).split("\n")).toEqual([
      `${at}  RegionReplicating     MyImage 1.0.0  westus  40 %`,
      `${at}  Failed                MyImage 1.0.0  No capacity\\u001b[2J.`,
      `${at}  Rejected              urn:x  Twice.`,
      "",
    ]);
  });

  it("leaves out what is not asked for, and what is no event", async () => {
    const other = VERSION.id.replace("MyImage", "MyImage2");
    const { stdout } = await tail(
      "--type failed completed --filter image=myimage operation=op-1 --count 2 --query type -o tsv",
      topic(
        [200, event("Accepted")],
        [200, event("Failed", {}, other)],
        [200, event("Failed", { operationId: "op-2" })],
        [200, "hello"],
        [200, null],
        [200, event("Failed")],
        [204, ""],
        [200, event("Completed")],
      ),
    );
    expect(stdout).toBe("Sigil.ImageVersion.Failed\nSigil.ImageVersion.Completed\n");
  });

  it("asks for nothing where nothing is to be printed", async () => {
    const { code, requests } = await tail("--count 0", listen());
    expect([code, requests]).toEqual([0, []]);
  });

  it("goes on when Service Bus is away for a while, and makes the subscription again when it is gone", async () => {
    const { code, stderr, requests } = await tail(
      "--count 1",
      topic(new Error("gone"), [503, ""], [429, ""], [410, ""], [200, event("Accepted")]),
    );
    expect(code).toBe(0);
    expect(requests.filter(({ method }) => method === "PUT")).toHaveLength(2);
    expect(stderr).toContain("Asking again.");
    expect(stderr).toContain("Another one is made.");
  });

  it.each([
    [401, 4, "Azure Service Bus Data Owner"],
    [403, 4, "Azure Service Bus Data Owner"],
    [404, 3, "There is no topic image-version-events there."],
    [400, 1, "Service Bus answers 400."],
    [500, 7, "http://localhost:5672 answers 500."],
  ])("where it is answered %s it ends with %s", async (status, code, text) => {
    const run = await tail("", () => [status, "<Detail>Why</Detail>"]);
    expect(run.code).toBe(code);
    expect(run.stderr).toContain(text);
  });

  it("deletes the subscription at Ctrl-C", async () => {
    const ctrlC = new AbortController();
    const { code, stdout, requests } = await tail(
      "",
      ({ method, path }) => {
        if (path.includes("/messages/head")) ctrlC.abort();
        return method === "PUT" ? [201, ""] : [204, ""];
      },
      { interrupted: ctrlC.signal },
    );
    expect([code, stdout]).toEqual([130, ""]);
    expect(requests.at(-1)).toMatchObject({
      method: "DELETE",
      path: expect.stringMatching(/sigil-tail-[^/]+\?/u) as string,
    });
  });

  it("ends after --timeout with 5, and says what it could not clean up", async () => {
    const { code, stderr } = await tail(
      "--timeout 5",
      ({ path, method }) =>
        method === "PUT"
          ? [201, ""]
          : path.includes("/messages/head")
            ? nothing()
            : new Error("away"),
      { sleep: () => setImmediate() },
    );
    expect(code).toBe(5);
    expect(stderr).toMatch(/The subscription sigil-tail-\S+ could not be deleted/u);
  });

  it.each([
    ["", { SIGIL_SERVICE_BUS: "" }, "Where are the events?"],
    ["--type Compleded", {}, "Did you mean Completed?"],
    ["--filter colour=red", {}, "subscription, gallery, image"],
    ["--service-bus a/b", {}, "is no namespace of Service Bus"],
    ["-o yaml", {}, "is one of json, tsv, table, none"],
  ])("refuses %s", async (line, environment, text) => {
    const { code, stderr, requests } = await tail(line, listen(), {
      environment,
    });
    expect([code, requests.length]).toEqual([2, 0]);
    expect(stderr).toContain(text);
  });
});

describe("a namespace", () => {
  it.each([
    ["sigil", "https://sigil.servicebus.windows.net"],
    ["sb.servicebus.chinacloudapi.cn", "https://sb.servicebus.chinacloudapi.cn"],
    ["https://sigil.servicebus.windows.net/", "https://sigil.servicebus.windows.net"],
    [LOCAL, "http://localhost:5672"],
    // Nobody else is spoken to in clear text.
    [LOCAL.replace("localhost", "elsewhere"), "https://elsewhere:5672"],
    [LOCAL.replace("UseDevelopmentEmulator=true", ""), "https://localhost:5672"],
  ])("%s is at %s", (text, address) => {
    expect(namespaceOf(text).address).toBe(address);
  });

  it("has the whole key of a connection string", () => {
    expect(namespaceOf(LOCAL).key).toEqual({
      name: "Key",
      value: "c2VjcmV0==",
    });
  });

  it.each(["", "a b", "Endpoint=sb://x/y;SharedAccessKey=z", KEY])("is not %s", (text) => {
    expect(() => namespaceOf(text)).toThrow(/Service Bus/u);
  });
});

import { ServiceBusClient } from "@azure/service-bus";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startMemoryTables } from "@sigil-local/stack/memory-tables";
import { childrenOf, isRunning, runProgram, type Program } from "@sigil-local/testing/program";

const PORT_OPTIONS = [
  "--api-port",
  "--https-port",
  "--service-bus-port",
  "--resource-manager-port",
  "--token-issuer-port",
  "--managed-identity-port",
  "--tables-port",
] as const;

let directory: string;
let started: Program | undefined;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "sigil-start-test-"));
});

afterEach(async () => {
  started?.kill("SIGKILL");
  await started?.exited;
  started = undefined;
  await rm(directory, { recursive: true, force: true });
});

/** Starts the stack on free ports, except those that `args` say. */
function start(args: readonly string[], environment: Record<string, string> = {}): Program {
  started = runProgram(
    "local-stack/dist/start/main.js",
    [
      ...PORT_OPTIONS.filter((option) => !args.includes(option)).flatMap((option) => [option, "0"]),
      ...args,
    ],
    { TMPDIR: directory, ...environment },
  );
  return started;
}

async function bash(command: string): Promise<string> {
  const { stdout } = await promisify(execFile)("bash", ["-c", command]);
  return stdout;
}

/** What the stack has printed: its address and the lines that are meant to be pasted. */
async function printed(program: Program) {
  const follow = await program.waitForLine(/^curl -s /u);
  const create = await program.waitForLine(/^curl -i -X PUT /u);
  const source = await program.waitForLine(/^source /u);
  const origin = /http:\/\/127\.0\.0\.1:\d+/u.exec(program.stdout())?.[0] ?? "";
  return { create, follow, source, origin };
}

describe("npm start", () => {
  test("runs what it prints, stops on Ctrl-C, and goes on where it was when it is started again", async () => {
    const args = ["--data", path.join(directory, "state"), "--replication-minutes", "0.03"];
    const first = start(args);
    const lines = await printed(first);

    const answer = await bash(`${lines.source}\n${lines.create}`);
    expect(answer).toMatch(/^HTTP\/1\.1 202 /mu);
    const operation = /^operation-location: .*(\/api\/operations\/\S+)/imu.exec(answer)?.[1];
    expect(operation).toBeDefined();
    expect(JSON.parse(await bash(`${lines.source}\n${lines.follow}`))).toMatchObject({
      name: "1.0.0",
      location: "westus",
    });
    expect(
      await bash(
        `${lines.source}\n"${process.execPath}" src/cli/dist/sigil.cjs image-version show -g MyResourceGroup -r MyGallery -i MyImage -e 1.0.0 --query name -o tsv`,
      ),
    ).toBe("1.0.0\n");

    const [host] = await childrenOf(first.pid);
    first.kill("SIGINT");
    expect(await first.exited, first.stderr()).toBe(0);
    expect(isRunning(host ?? 0)).toBe(false);
    await expect(fetch(`${lines.origin}/api/health/live`)).rejects.toThrow();

    const second = start(args);
    const again = await printed(second);
    const token = await bash(`${again.source}\nprintf %s "$TOKEN"`);
    const headers = { authorization: `Bearer ${token}` };
    await expect
      .poll(
        async () => {
          const answer = await fetch(`${again.origin}${operation}`, {
            headers,
          });
          return await answer.json();
        },
        { interval: 250 },
      )
      .toMatchObject({ status: "Succeeded", percentComplete: 100 });
    second.kill("SIGTERM");
    expect(await second.exited, second.stderr()).toBe(0);
  });

  test("is quiet, keeps nothing with --ephemeral, and gives each role its token and each subscription its events", async () => {
    const program = start([
      "--ephemeral",
      "--replication-minutes",
      "0",
      "--subscription",
      "usable=type LIKE '%.RegionCompleted' AND subject LIKE '%/versions/1.0.0'",
    ]);
    const { create, source } = await printed(program);

    expect(program.stderr()).toBe("");
    const lines = program.stdout().trimEnd().split("\n");
    expect(lines.length).toBeLessThan(14);
    expect(program.stdout()).toMatch(
      /Image +\/subscriptions\/.*\/galleries\/MyGallery\/images\/MyImage$/mu,
    );
    expect(program.stdout()).toMatch(/Events +image-version-events: all, usable$/mu);

    const shell = `${source}\nstatus() { curl -s -o /dev/null -w '%{http_code} ' -H "Authorization: Bearer $1" "$\{@:2}"; }`;
    const read = `"$API/operations"`;
    const write = `-X DELETE "$IMAGE/versions/9.9.9"`;
    const administer = `-X DELETE "$IMAGE/retention"`;
    // The last finds nothing to take away: an admin is let in.
    const asked = ["READER_TOKEN", "TOKEN", "ADMIN_TOKEN"].flatMap((token) =>
      [read, write, administer].map((call) => `status "$${token}" ${call}`),
    );
    expect(await bash([shell, ...asked].join("\n"))).toBe("200 403 403 200 404 403 200 404 404 ");

    await bash(`${source}\n${create}`);
    const connection = await bash(`${source}\nprintf %s "$SERVICE_BUS"`);
    const client = new ServiceBusClient(connection);
    try {
      const receiver = client.createReceiver("image-version-events", "usable");
      const regions: unknown[] = [];
      while (regions.length < 2)
        for (const { body } of await receiver.receiveMessages(2, {
          maxWaitTimeInMs: 30_000,
        })) {
          const event = body as { type: string; data: { region: string } };
          expect(event.type).toBe("Sigil.ImageVersion.RegionCompleted");
          regions.push(event.data.region);
        }
      expect(regions.sort()).toEqual(["eastus2", "westus"]);
    } finally {
      await client.close();
    }

    program.kill("SIGINT");
    expect(await program.exited, program.stderr()).toBe(0);
    expect(await readdir(directory)).toEqual([]);
  });

  test("with --https what it prints and writes is over TLS, and nothing else is made to trust it", async () => {
    const program = start(["--ephemeral", "--https", "--replication-minutes", "0"]);
    const { create, follow, source } = await printed(program);

    const answer = await bash(`${source}\n${create}`);
    const location = /^operation-location: (https:\/\/localhost:\d+\/\S+)/imu.exec(answer)?.[1];
    const get = `curl -s --cacert "$CA_CERTIFICATE" -H "Authorization: Bearer $TOKEN"`;
    expect(JSON.parse(await bash(`${source}\n${get} "${location}"`))).toMatchObject({
      kind: "CreateImageVersion",
    });
    expect(JSON.parse(await bash(`${source}\n${follow}`))).toMatchObject({ name: "1.0.0" });
    const told = `echo "$API $SIGIL_ENDPOINT" \${NODE_EXTRA_CA_CERTS-}`;
    expect(await bash(`unset NODE_EXTRA_CA_CERTS\n${source}\n${told}`)).toMatch(
      /^https:\/\/localhost:\d+\/api http:\/\/127\.0\.0\.1:\d+\n$/u,
    );
  });

  test("shows the host's log with --verbose, and without keeps it in a file", async () => {
    const data = path.join(directory, "state");
    const program = start(["--data", data, "--verbose"]);
    const { origin } = await printed(program);

    await fetch(`${origin}/api/health/live`);

    const line = await program.waitForLine(/Executed .Functions\.get-liveness/u);
    program.kill("SIGINT");
    expect(await program.exited, program.stderr()).toBe(0);
    expect(await readFile(path.join(data, "host.log"), "utf8")).toContain(line);
  });

  test("leaves out the stand-in of a service that the environment names, says so, and tells no secret of it", async () => {
    const tables = await startMemoryTables();
    try {
      const key = /AccountKey=([^;]+)/u.exec(tables.connectionString)?.[1] ?? "";
      const program = start(["--ephemeral"], {
        AzureWebJobsStorage: tables.connectionString,
      });
      const { origin, source } = await printed(program);

      expect(program.stdout()).toMatch(/Not local +AzureWebJobsStorage$/mu);
      expect(program.stdout()).not.toContain(key);
      expect(await bash(`cat ${source.split(" ")[1]}`)).not.toContain(key);
      const ready = await fetch(`${origin}/api/health/ready`);
      expect(ready.status).toBe(200);
      program.kill("SIGINT");
      expect(await program.exited, program.stderr()).toBe(0);
    } finally {
      await tables.close();
    }
  });

  test("ends with 1 and says so when the functions host ends by itself", async () => {
    const program = start(["--ephemeral"]);
    await printed(program);
    const [host] = await childrenOf(program.pid);

    process.kill(host ?? 0, "SIGKILL");

    expect(await program.exited).toBe(1);
    expect(program.stderr()).toContain(
      "The functions host has ended by itself (killed). Its last lines:",
    );
    expect(await readdir(directory)).toEqual([]);
  });

  test.each(PORT_OPTIONS)("names a taken port and its option in one line: %s", async (option) => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const { port } = squatter.address() as AddressInfo;
    try {
      const program = start(["--ephemeral", "--https", option, String(port)]);

      expect(await program.exited).toBe(1);
      expect(program.stderr()).toBe(
        `Port ${port} is taken: stop what listens there, or choose another one with ${option} N (0 takes any free one).\n`,
      );
      expect(program.stdout()).toBe("Starting the stand-ins for Azure, then Sigil.\n");
      expect(await readdir(directory)).toEqual([]);
    } finally {
      squatter.close();
    }
  });

  test("explains every option with --help", async () => {
    const program = start(["--help"]);

    expect(await program.exited).toBe(0);
    for (const option of [
      ...PORT_OPTIONS,
      "--data",
      "--ephemeral",
      "--https",
      "--replication-minutes",
      "--subscription",
      "--verbose",
    ])
      expect(program.stdout()).toContain(`${option} `);
  });

  test.each([
    [["--prot", "1"], "--prot"],
    [["--api-port", "http"], "--api-port must be a number from 0 to 65535"],
    [["--api-port", "65536"], "--api-port must be a number from 0 to 65535"],
    [["--replication-minutes", "long"], "--replication-minutes must be"],
    [["--ephemeral", "--data", "here"], "exclude each other"],
    [["--subscription", "mine"], "must be a name and an SQL filter"],
    [["--subscription", "mine="], "must be a name and an SQL filter"],
    [["--subscription", "my/own=1=1"], "must be a name and an SQL filter"],
    [["--subscription", "mine=type = "], "--subscription mine: "],
    [["--subscription", "All=1=1"], '--subscription All: "All" exists already'],
  ])("refuses a bad option with 2: %s", async (args, reason) => {
    const program = start(args);

    expect(await program.exited).toBe(2);
    expect(program.stderr()).toContain(reason);
    expect(program.stderr()).toContain("(see --help)");
  });
});

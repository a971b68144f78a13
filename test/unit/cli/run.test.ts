import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../../src/cli/src/commands/all.js";
import { SHELLS } from "../../../src/cli/src/completion-scripts.js";
import {
  AT,
  operation,
  optionsOf,
  problem,
  runLine,
  VERSION,
  type Reply,
  type Request,
} from "./command-line.js";
import { type Named, naming } from "../../support/naming.js";

const CREATE = `image-version create ${AT} -e 1.0.0 -l westus --managed-image myImage`;
const UP = `/api/subscriptions/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/resourceGroups/MyResourceGroup/galleries/MyGallery/images/MyImage/versions`;
const usable = {
  name: "westus",
  state: "Completed",
  progress: 100,
  attempts: 1,
};
const failed = {
  ...usable,
  state: "Failed",
  progress: 3,
  details: "No capacity.",
};

/** A clock that is moved by hand, and what sleeps by it. */
function manualClock() {
  let nowMs = 0;
  let sleepers: { readonly dueMs: number; readonly wake: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    sleep: (ms: number): Promise<void> =>
      new Promise((wake) => sleepers.push({ dueMs: nowMs + ms, wake })),
    async advance(ms: number): Promise<void> {
      nowMs += ms;
      const due = sleepers.filter(({ dueMs }) => dueMs <= nowMs);
      sleepers = sleepers.filter(({ dueMs }) => dueMs > nowMs);
      for (const { wake } of due) wake();
      // Whoever has woken goes first.
      await setImmediate();
    },
  };
}

/** A service that accepts a write, and whose operation is in these states, one after the other. */
function accepting(...states: readonly Record<string, unknown>[]) {
  let looks = 0;
  return ({ method, path }: Request): Reply => {
    if (method !== "GET") return [202, operation("NotStarted")];
    if (path.startsWith("/api/operations/"))
      return [200, states[Math.min(looks++, states.length - 1)]];
    return [200, VERSION, { ETag: '"1"' }];
  };
}
const refused = problem(422, "PreflightFailed", [
  {
    pointer: "/properties/publishingProfile/targetRegions/0",
    code: "DiskEncryptionSetInOtherRegion",
    severity: "error",
    message: "Set1 is in eastus2.",
    remediation: "Use a set of westus.",
  },
]);

it.each(["--help", "image-version --help", "image-version create --help"])(
  "%s fits a terminal of 80 columns, but for examples",
  async (line) => {
    const { stdout } = await runLine(line, () => new Error(), {
      isTerminal: true,
    });
    const [help = ""] = stdout.split("\nExamples\n");
    const longest = Math.max(...help.split("\n").map(({ length }) => length));
    expect(longest).toBeLessThanOrEqual(80);
    expect(longest).toBeGreaterThan(70);
  },
);

describe("a line that cannot be obeyed", () => {
  it.each([
    ["frobnicate", "sigil --help"],
    ["image-version crate --help", "sigil image-version --help"],
    ["image-version show extra", "sigil image-version show --help"],
    ["sig image-version create", "sigil --help"],
    ["open extra", "sigil open --help"],
    ["events tali", "sigil events --help"],
  ])("%s leads to help that there is: %s", async (line, help) => {
    const { code, stderr } = await runLine(line, () => new Error());
    expect(code).toBe(2);
    expect(stderr).toContain(`${help})`);
    expect((await runLine(help.slice(6), () => new Error())).code).toBe(0);
  });

  it("has its options behind the command", async () => {
    const { code, stderr } = await runLine("--verbose operation list", () => new Error());
    expect([code, stderr]).toEqual([2, expect.stringContaining("Options come after the command")]);
  });
});

it("says once that the service is away, and goes on waiting", async () => {
  const away = new TypeError("fetch failed", {
    cause: new Error("ECONNREFUSED"),
  });
  const states = accepting(
    operation("Running", [{ ...usable, state: "Replicating", progress: 1 }]),
    operation("Succeeded", [usable]),
  );
  let looks = 0;
  const { code, stderr } = await runLine("operation watch op-1", (request) =>
    // Five attempts each.
    (looks += 1) > 1 && looks <= 16 ? away : states(request),
  );
  expect(code).toBe(0);
  expect(stderr.match(/ECONNREFUSED/gu)).toHaveLength(1);
});

it("lists the image definitions of a gallery, page after page", async () => {
  const definition = {
    osType: "Linux",
    osState: "Generalized",
    hyperVGeneration: "V2",
    architecture: "x64",
    securityType: "Standard",
  };
  const { code, stdout, requests } = await runLine(
    "image-definition list -g MyResourceGroup -r MyGallery -o table",
    ({ path }) => [
      200,
      path.includes("continuationToken")
        ? {
            value: [{ ...definition, name: "two", endOfLifeDate: "2030-12-01" }],
          }
        : { value: [{ ...definition, name: "one" }], continuationToken: "t" },
    ],
  );
  expect(code).toBe(0);
  expect(stdout).toContain("Generation");
  expect(stdout).toMatch(/^one .*Standard *\ntwo .*2030-12-01/mu);
  expect(requests.map(({ path }) => path)).toEqual(
    ["", "&continuationToken=t"].map((rest) => `${UP.replace(/\/MyImage.*/u, "")}?top=100${rest}`),
  );
});

describe("image-version machine", () => {
  const LINE = `image-version machine ${AT} -e 1.0.0 --region westus`;
  const commands = {
    region: "westus",
    powerShell: "$vm = …\nNew-AzVM",
    bicep: "param subnetId string\n",
    warnings: [{ code: "RegionNotReady", pointer: "", message: "Not yet." }],
  };

  it("shows all forms, of the machine that is asked for", async () => {
    const run = await runLine(`${LINE} --machine-name it --size Standard_B2s`, () => [
      200,
      commands,
    ]);
    expect(JSON.parse(run.stdout)).toEqual(commands);
    expect(run.requests.map(({ path }) => path)).toEqual([
      `${UP}/1.0.0/machine?region=westus&name=it&size=Standard_B2s`,
    ]);
  });

  it("prints one form as it is, and on stderr what is worth knowing", async () => {
    const run = await runLine(`${LINE} --form powershell`, () => [200, commands]);
    expect(run).toMatchObject({ code: 0, stdout: "$vm = …\nNew-AzVM\n" });
    expect(run.stderr).toContain("Not yet.");
  });

  it("says where a form cannot say it", async () => {
    const run = await runLine(`${LINE} --form az`, () => [200, commands]);
    expect(run.code).not.toBe(0);
    expect(run.stdout).toBe("");
  });
});

describe("--ignore-use", () => {
  it("of delete is said to Sigil, and not otherwise", async () => {
    const paths = async (more: string) =>
      (
        await runLine(`image-version delete ${AT} -e 1.0.0 --no-wait ${more}`, accepting())
      ).requests.map(({ path }) => path);
    expect(await paths("--ignore-use")).toEqual([`${UP}/1.0.0?ignoreUse=true`]);
    expect(await paths("")).toEqual([`${UP}/1.0.0`]);
  });
});

describe("image-version use", () => {
  const LINE = `image-version use ${AT} -e 1.0.0`;
  const none = { count: 0, regions: [], first: [] };
  const use = {
    needed: "yes",
    scaleSets: {
      count: 2,
      regions: [{ name: "westus", count: 2 }],
      first: [{ id: "/x/front", region: "westus" }],
    },
    ephemeralMachines: none,
    machines: none,
    subscriptions: ["a", "b"],
    notSeen: [{ subscriptionId: "b", code: "NotFound", message: "Not there." }],
    complete: false,
    time: "2026-01-01T00:00:00.000Z",
    warnings: [{ code: "MoreUsersThanRead", pointer: "", message: "More." }],
  };

  it("shows each kind, and on stderr what was not seen", async () => {
    const run = await runLine(`${LINE} -o table`, () => [200, use]);
    expect(run.requests.map(({ path }) => path)).toEqual([`${UP}/1.0.0/use`]);
    expect(run.stdout).toMatch(/scale sets +2 +westus 2 +front/u);
    expect(run.stderr).toContain("Not seen in b: Not there.");
    expect(run.stderr).toContain("More.");
  });

  it("answers a query as it is", async () => {
    const run = await runLine(`${LINE} --query needed -o tsv`, () => [200, use]);
    expect(run).toMatchObject({ code: 0, stdout: "yes\n" });
  });
});

describe("rejected requests", () => {
  const kept = (id: string) => ({
    id,
    enqueuedTime: "2026-01-01T00:00:00Z",
    rejectionCode: "Forbidden",
    rejectionReason: "The queue may not write there.",
    request: { source: "urn:build", id: `build-${id}` },
    size: 2,
    original: "\u001b[31m{}\u009b1m",
  });

  it("are listed page after page", async () => {
    const run = await runLine("rejected list -o table", ({ path }) => [
      200,
      path.includes("continuationToken")
        ? { value: [kept("43")] }
        : { value: [kept("42")], continuationToken: "next" },
    ]);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/42 .*urn:build .*build-42 .*Forbidden/u);
    expect(run.stdout).toMatch(/43 .*build-43 /u);
    expect(run.requests.map(({ path }) => path)).toEqual([
      "/api/rejected-requests",
      "/api/rejected-requests?continuationToken=next",
    ]);
  });

  it.each(["json", "jsonc", "tsv", "table", "yaml"])(
    "as %s send nothing to the terminal that it would act upon",
    async (format) => {
      const run = await runLine(`rejected list -o ${format} --query [].{original:original}`, () => [
        200,
        { value: [kept("42")] },
      ]);
      expect(run.code).toBe(0);
      expect(run.stdout).toContain("[31m{}");
      expect(run.stdout.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    },
  );

  it("that are refused again send none either", async () => {
    const run = await runLine("rejected send-again --id 42", () =>
      problem(400, "InvalidRequest", [
        { pointer: "/subject", code: "x", message: "\u001b[2J is no id." },
      ]),
    );
    expect(run.stderr).toContain("\\u001b[2J is no id.");
  });

  it("are sent again one by one", async () => {
    const run = await runLine("rejected send-again --id 42", () => [202, operation("NotStarted")]);
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ id: "op-1" });
    expect(run.requests).toMatchObject([
      { method: "POST", path: "/api/rejected-requests/42/send-again" },
    ]);
  });

  describe("corrected", () => {
    const file = path.join(tmpdir(), `corrected-${process.pid}.json`);
    const body = { location: "westus", properties: {} };
    beforeAll(() => writeFile(file, JSON.stringify(body, null, 2)));
    afterAll(() => rm(file));

    it("are sent as the file has it, and what is found stands in the file", async () => {
      const line = `rejected send-again --id 42 --file ${file} --resource-id /subscriptions/s`;
      const run = await runLine(line, () => [202, operation("NotStarted")]);
      expect(run.code).toBe(0);
      expect(run.requests).toMatchObject([
        {
          path: "/api/rejected-requests/42/send-again",
          body: { resourceId: "/subscriptions/s", body },
        },
      ]);
      const refused = await runLine(
        line,
        () =>
          problem(400, "InvalidRequest", [
            { pointer: "/body/properties", code: "x", message: "It is empty." },
          ]),
        { environment: { GITHUB_ACTIONS: "true" } },
      );
      expect(refused.code).toBe(3);
      expect(refused.stderr).toContain(`::error file=${file},line=3,`);
    });

    it.each([`--file ${file}`, "--resource-id /x"])("take both, not %s alone", async (option) => {
      const run = await runLine(`rejected send-again --id 42 ${option}`, () => [202, {}]);
      expect(run.code).toBe(2);
      expect(run.requests).toEqual([]);
    });
  });

  it("are not sent again without an id", async () => {
    const run = await runLine("rejected send-again", () => [202, {}]);
    expect(run.code).toBe(2);
    expect(run.requests).toEqual([]);
  });
});

describe("the exit code", () => {
  it("is 0 once a version is usable, which is then printed as az prints it", async () => {
    const run = await runLine(
      CREATE,
      accepting(operation("Running"), operation("Succeeded", [usable])),
    );
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({
      name: "1.0.0",
      provisioningState: "Succeeded",
      resourceGroup: "MyResourceGroup",
    });
    expect(run.stderr).toContain("MyImage 1.0.0 westus: 100 %, usable\n");
    const [put, ...rest] = run.requests;
    expect(put?.method).toBe("PUT");
    expect(put?.path).toBe(`${UP}/1.0.0?plan=require`);
    expect(rest.map(({ path }) => path)).toEqual([
      "/api/operations/op-1",
      "/api/operations/op-1",
      `${UP}/1.0.0`,
    ]);
  });

  it.each<[number, string, Named, (request: Request) => Reply]>([
    [
      1,
      "the operation fails",
      "westus: No capacity.",
      accepting(
        operation("Failed", [failed], {
          error: {
            code: "RegionFailed",
            message: "1 region failed.",
            errors: [],
          },
        }),
      ),
    ],
    [
      3,
      "the plan finds an error",
      "error: Set1 is in eastus2.\n  DiskEncryptionSetInOtherRegion at /properties/publishingProfile/targetRegions/0\n  Use a set of westus.",
      () => refused,
    ],
    [
      6,
      "somebody cancels it",
      ["op-1", "admin"],
      accepting(operation("Canceled", [], { canceledBy: { name: "admin" } })),
    ],
    [
      7,
      "it cannot be reached",
      ["https://sigil.example", "ECONNREFUSED"],
      () => new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") }),
    ],
  ])("is %i where %s", async (code, _when, message, reply) => {
    const run = await runLine(CREATE, reply);
    expect(run.code).toBe(code);
    expect(run.stderr).toEqual(naming(message));
    expect(run.stdout).toBe("");
  });

  it.each([
    [3, 409, "Conflict"],
    [4, 401, "Unauthenticated"],
    [4, 403, "Forbidden"],
    [7, 503, "Unavailable"],
  ])("is %i where the answer is %i", async (code, status, title) => {
    const run = await runLine(CREATE, () => problem(status, title));
    expect(run).toMatchObject({ code, stdout: "" });
    expect(run.stderr).toContain(`It is ${title}.`);
  });

  it("is 5 where --timeout is over, and says that the work goes on", async () => {
    const run = await runLine(`${CREATE} --timeout 60`, accepting(operation("Running")), {
      // The time is over at once.
      sleep: () => Promise.resolve(),
    });
    expect(run.code).toBe(5);
    expect(run.stderr).toEqual(naming(["60", "sigil operation watch op-1"]));
  });

  it.each([
    `${CREATE} --timeout 60`,
    `image-version watch ${AT} -e 1.0.0 --timeout 60`,
    "operation watch op-1 --timeout 60",
    "events tail --timeout 60",
  ])("is 5 once 60 seconds are over, and not before: %s", async (line) => {
    const POLL_MS = 7_000;
    const clock = manualClock();
    const reply = accepting(operation("Running"));
    const run = await runLine(
      line,
      async (request) => {
        const waits = request.path.includes("/messages/head");
        if (waits) await clock.advance(POLL_MS);
        if (request.path.includes("sigil-tail-")) return waits ? [204, ""] : [201, ""];
        const [status, body] = reply(request) as [number, unknown];
        return [status, body, { "Retry-After": String(POLL_MS / 1_000) }];
      },
      {
        sleep: (ms) => (ms === POLL_MS ? clock.advance(ms) : clock.sleep(ms)),
        environment: {
          SIGIL_SERVICE_BUS:
            "Endpoint=sb://localhost;SharedAccessKeyName=Key;SharedAccessKey=c2VjcmV0;UseDevelopmentEmulator=true",
        },
      },
    );
    expect(run.code).toBe(5);
    // A poll that was under way may have been answered.
    expect(Math.trunc(clock.nowMs() / POLL_MS)).toBeOneOf([9, 10]);
  });

  it("is 130 at Ctrl-C, and says that the work goes on", async () => {
    const interruption = new AbortController();
    const reply = accepting(operation("Running"));
    const run = await runLine(
      CREATE,
      (request) => {
        if (request.path.startsWith("/api/operations/")) interruption.abort();
        return reply(request);
      },
      { interrupted: interruption.signal },
    );
    expect(run.code).toBe(130);
    expect(run.stderr).toEqual(naming(["sigil operation watch op-1"]));
  });

  it.each([
    ["image-version crate", 'Did you mean "image-version create"?'],
    ["image-versions list", 'Did you mean "image-version"?'],
    ["sig image-version list", 'Leave "sig" out: sigil image-version list …'],
    [`image-version undelete -e 1.0.0 --tags a=b ${AT}`, "restored as it was"],
    [
      "image-version list -g G",
      "What is missing: --gallery-name/-r, --gallery-image-definition/-i.",
    ],
    [`image-version list ${AT} --query [`, "--query:"],
    [`image-version list ${AT} -o xml`, "--output is one of json"],
    ["operation show", "What is missing: OPERATION."],
    ["operation cancel", ["--filter"]],
    ["operation list --filter colour=red", "--filter takes name=value"],
    ["image-version wait -e 1.0.0 " + AT, "Wait for what?"],
    ["configure --defaults colour=red", ["--defaults", "name=value", "subscription"]],
    ["completion tcsh", 'SHELL is one of bash, zsh, fish, powershell, not "tcsh".'],
  ])("is 2 for: %s", async (line, message) => {
    const run = await runLine(line, () => new Error("nothing is to be sent"));
    expect(run.stderr).toEqual(naming(message));
    expect(run.code).toBe(2);
    expect(run.requests).toEqual([]);
  });

  it.each([
    [{ SIGIL_ENDPOINT: "http://sigil.example" }, "is not https: a token is not sent there"],
    [{ SIGIL_ENDPOINT: "sigil" }, "is no https address"],
    [{ SIGIL_SUBSCRIPTION: "Production" }, "az knows none of that name"],
    [{ SIGIL_ACCESS_TOKEN: "" }, "Which application is Sigil? Set SIGIL_SCOPE"],
  ])("is 2 with %j", async (environment, message) => {
    const run = await runLine(`image-version list ${AT}`, () => [200, { value: [] }], {
      environment: { AZURE_CONFIG_DIR: "/nowhere", ...environment },
    });
    expect(run.stderr).toContain(message);
    expect(run.code).toBe(2);
  });
});

describe("a request that is not answered", () => {
  it("is sent again with the same Idempotency-Key", async () => {
    const answers: Reply[] = [
      new TypeError("fetch failed", { cause: new Error("ECONNRESET") }),
      problem(503, "Unavailable"),
    ];
    const reply = accepting(operation("Succeeded", [usable]));
    const run = await runLine(CREATE, (request) => answers.shift() ?? reply(request));
    expect(run.code).toBe(0);
    const puts = run.requests.filter(({ method }) => method === "PUT");
    expect(puts).toHaveLength(3);
    const keys = puts.map(({ headers }) => headers.get("Idempotency-Key"));
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/u);
  });
});

describe("create", () => {
  it("does not wait with --no-wait, and prints the operation", async () => {
    const run = await runLine(`${CREATE} --no-wait --no-plan --query id -o tsv`, accepting());
    expect(run.stdout).toBe("op-1\n");
    expect(run.stderr).toEqual(naming(["sigil operation watch op-1"]));
    expect(run.requests.map(({ path }) => path)).toEqual([`${UP}/1.0.0`]);
  });

  it("shows the operation in a table, too", async () => {
    for (const line of [
      CREATE,
      `image-version delete ${AT} -e 1.0.0`,
      `image-version roll-back ${AT}`,
    ]) {
      const run = await runLine(`${line} --no-wait -o table`, accepting());
      expect(run.stdout, line).toMatch(/^Id +What .*\n-+ .*\nop-1 +create /u);
    }
  });

  it("is guarded by an ETag with --if-match", async () => {
    const run = await runLine(`${CREATE} --if-match "1" --no-wait`, accepting());
    expect(run.requests[0]?.headers.get("If-Match")).toBe('"1"');
  });

  it("takes the next number with --increment", async () => {
    const line = CREATE.replace("-e 1.0.0", "--increment minor --promote-when allRegionsReady");
    const { code, requests } = await runLine(line, accepting(operation("Succeeded")));
    expect(code).toBe(0);
    expect(requests[0]).toMatchObject({
      method: "POST",
      path: `${UP}?plan=require&increment=minor`,
      body: { sigil: { promotion: { when: "allRegionsReady" } } },
    });
  });
});

describe("what is deleted", () => {
  const IMAGE_UP = UP.replace(/versions$/u, "");
  const deleted = {
    id: "/subscriptions/x",
    name: "1.0.0",
    location: "westus",
    softDeletedTime: "2026-01-01T00:00:00Z",
    consumptionEndTime: "2026-01-08T00:00:00Z",
    hardDeletionTargetTime: "2026-01-08T00:00:00Z",
  };
  const restoring = (request: Request): Reply =>
    request.path.endsWith("/deleted-versions")
      ? [200, { value: [deleted] }]
      : accepting(operation("Succeeded", [usable]))(request);

  it("is restored, and waited for", async () => {
    const { code, requests } = await runLine(
      `image-version undelete ${AT} -e 1.0.0 -l WestUS`,
      restoring,
    );
    expect(code).toBe(0);
    expect(requests.slice(0, 2).map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET ${IMAGE_UP}deleted-versions`,
      `POST ${UP}/1.0.0/restore`,
    ]);
  });

  it("is restored nowhere else", async () => {
    const { code, stderr, requests } = await runLine(
      `image-version undelete ${AT} -e 1.0.0 -l eastus2`,
      restoring,
    );
    expect([code, requests.length]).toEqual([3, 1]);
    expect(stderr).toContain("give --location westus, or none");
  });

  it("is listed with its times", async () => {
    const { stdout } = await runLine(`image-version list-soft-deleted ${AT} -o table`, restoring);
    expect(stdout).toMatch(/^Name +Location +Deleted +UsableUntil/u);
    expect(stdout).toContain("2026-01-08T00:00:00Z");
  });

  it("is said to be, once it is deleted", async () => {
    const { stdout, stderr } = await runLine(
      `image-version delete ${AT} -e 1.0.0`,
      accepting(
        operation("Succeeded", [], {
          kind: "DeleteImageVersion",
          softDelete: { isSoftDeleteEnabled: true, ...deleted },
        }),
      ),
    );
    expect([stdout, stderr]).toEqual([
      "",
      naming(["2026-01-08T00:00:00Z", "sigil image-version undelete"]),
    ]);
  });

  it("is deleted for good with --bypass-soft-delete", async () => {
    const { requests } = await runLine(
      `image-version delete ${AT} -e 1.0.0 --bypass-soft-delete --no-wait`,
      restoring,
    );
    expect(requests[0]?.path).toBe(`${UP}/1.0.0?bypassSoftDelete=true`);
  });
});

describe("update", () => {
  it("is guarded by the version's ETag, and made anew where that has changed", async () => {
    let patches = 0;
    const slept: number[] = [];
    const run = await runLine(
      `image-version update ${AT} -e 1.0.0 --remove-regions eastus2`,
      ({ method, path }) => {
        if (path.startsWith("/api/operations/")) return [200, operation("Succeeded")];
        if (method === "GET") return [200, VERSION, { ETag: `"${patches}"` }];
        return (patches += 1) < 3
          ? problem(412, "PreconditionFailed")
          : [202, operation("NotStarted")];
      },
      { sleep: (ms) => Promise.resolve(void slept.push(ms)) },
    );
    expect(run.code).toBe(0);
    expect(slept).toEqual([5_000]);
    const sent = run.requests.filter(({ method }) => method === "PATCH");
    expect(sent.map(({ headers }) => headers.get("If-Match"))).toEqual(['"0"', '"1"', '"2"']);
    expect(sent[0]?.headers.get("Content-Type")).toBe("application/merge-patch+json");
    expect(sent[0]?.path).toBe(`${UP}/1.0.0?plan=require&removeRegions=eastus2`);
    expect(run.stderr).toEqual(naming(["eastus2"]));
  });
});

describe("operations", () => {
  const listing = (): Reply => [
    200,
    {
      value: [
        operation("Running", [], { id: "op-1" }),
        operation("Succeeded", [], { id: "op-2" }),
        operation("NotStarted", [], {
          id: "op-3",
          resourceId:
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/Other/images/i/versions/1.0.0",
        }),
      ],
    },
  ];

  it("are filtered by the service where it can, and here otherwise", async () => {
    const run = await runLine(
      "operation list --filter status=Running gallery=mygallery -o tsv --query [].id",
      listing,
    );
    expect(run.requests[0]?.path).toBe("/api/operations?top=100&status=Running");
    expect(run.stdout).toBe("op-1\nop-2\n");
  });

  const cancel = (isTerminal: boolean, more = "", stdin = ""): ReturnType<typeof runLine> =>
    runLine(
      `operation cancel --filter gallery=MyGallery ${more}`,
      ({ method }) => (method === "GET" ? listing() : [200, operation("Canceled")]),
      { isTerminal, stdin },
    );

  it("are canceled together once somebody has said yes to how many they are", async () => {
    const yes = await cancel(true, "", "y\n");
    expect(stripVTControlCharacters(yes.stderr)).toContain("Cancel this operation? [y/N]");
    expect(yes.requests.slice(1).map(({ path }) => path)).toEqual(["/api/operations/op-1/cancel"]);
    expect((await cancel(true, "", "\n")).requests).toHaveLength(1);
    const nobody = await cancel(false);
    expect([nobody.code, nobody.requests.length]).toEqual([2, 1]);
    expect((await cancel(false, "--yes")).requests).toHaveLength(2);
  });

  it("are canceled also where no other version is ready, if that is said", async () => {
    const { requests } = await cancel(false, "--yes --allow-no-latest");
    expect(requests.at(-1)?.path).toBe("/api/operations/op-1/cancel?allowNoLatest=true");
  });
});

describe("plan", () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "sigil-cli-"));
    file = path.join(folder, "version.json");
    await writeFile(
      file,
      `{
  "location": "westus",
  "properties": {
    "publishingProfile": {
      "targetRegions": [
        { "name": "westus" },
        {
          "name": "eastus2",
          "encryption": {}
        }
      ]
    }
  }
}
`,
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const plan = (findings: readonly object[]) => (): Reply => [200, { findings, changes: [] }];
  const finding = {
    rule: "disk-encryption-set-missing",
    code: "DiskEncryptionSetMissing",
    severity: "error",
    pointer: "/properties/publishingProfile/targetRegions/1/encryption/osDiskImage",
    message: "No set is given, or 100 % of them: none.",
    remediation: "Give one.",
  };

  it("prints a table of findings, and exits with 3 where one is an error", async () => {
    const run = await runLine(`image-version plan ${AT} -e 1.0.0 -f ${file}`, plan([finding]));
    expect(run.code).toBe(3);
    expect(run.stdout).toMatch(
      /^Severity {2}Code +Message\n-+ .*\nerror +DiskEncryptionSetMissing +No set is given.* Give one\. \(\/properties\/.*\)\n$/u,
    );
    expect(run.requests[0]).toMatchObject({
      method: "POST",
      path: `${UP}/1.0.0/plan`,
      body: { location: "westus" },
    });
  });

  it("keeps the table within a terminal", async () => {
    const { stdout } = await runLine(
      `image-version plan ${AT} -e 1.0.0 -f ${file}`,
      plan([{ ...finding, pointer: "/location", code: "Short" }]),
      { isTerminal: true, columns: 60 },
    );
    const lines = stripVTControlCharacters(stdout).split("\n");
    expect(lines.length).toBeGreaterThan(4);
    for (const line of lines) expect(line.length).toBeLessThan(61);
  });

  it("says beside it what the copies hold, and how long the new ones usually take", async () => {
    const { stderr } = await runLine(`image-version plan ${AT} -e 1.0.0 -f ${file}`, () => [
      200,
      {
        findings: [],
        changes: [],
        storage: "westus 2 × 94 GB Standard_LRS: 2 replicas, at most 188 GB.",
        duration: "westus 12 min, 19 min (20 copies).",
      },
    ]);
    expect(stderr).toEqual(naming(["westus", "2", "94", "Standard_LRS", "188", "12", "19", "20"]));
  });

  it("exits with 0 where nothing is wrong, and prints the whole plan as JSON", async () => {
    const run = await runLine(
      `image-version plan ${AT} -e 1.0.0 -f ${file} -o json`,
      plan([{ ...finding, severity: "warning" }]),
    );
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({
      findings: [{}],
      changes: [],
    });
  });

  it.each([
    [
      { GITHUB_ACTIONS: "true" },
      (name: string) =>
        `::error file=${name},line=9,title=DiskEncryptionSetMissing::No set is given, or 100 %25 of them: none.%0AGive one.\n`,
    ],
    [
      { TF_BUILD: "True" },
      (name: string) =>
        `##vso[task.logissue type=error;sourcepath=${name};linenumber=9;code=DiskEncryptionSetMissing]No set is given, or 100 %AZP25 of them: none.%0AGive one.\n`,
    ],
  ])("annotates the line of the file with %j", async (environment, line) => {
    const run = await runLine(`image-version plan ${AT} -e 1.0.0 -f ${file}`, plan([finding]), {
      environment,
    });
    expect(run.stderr).toContain(line(file));
  });

  it.each([
    ["standard input", (text: string) => text],
    [
      "a template",
      (text: string) =>
        `{ "$schema": "x", "resources": [{ "type": "Other" }, ${text.replace("{", '{ "type": "Microsoft.Compute/galleries/images/versions", "apiVersion": "2024-03-03",')}] }`,
    ],
    [
      "deployment parameters",
      (text: string) =>
        `{ "parameters": { "version": { "value": ${text} }, "n": { "value": 1 } } }`,
    ],
  ])("reads the body from %s", async (_name, make) => {
    const text = make(await readFile(file, "utf8"));
    const run = await runLine(`image-version plan ${AT} -e 1.0.0 --file -`, plan([]), {
      stdin: text,
    });
    expect(run.code).toBe(0);
    expect(run.requests[0]?.body).toMatchObject({
      location: "westus",
      properties: { publishingProfile: { targetRegions: [{}, {}] } },
    });
    expect(run.requests[0]?.body).not.toHaveProperty("apiVersion");
  });

  it.each([
    ["no JSON", "{", "- is no JSON"],
    [
      "expressions",
      `{ "resources": [{ "type": "Microsoft.Compute/galleries/images/versions", "location": "[resourceGroup().location]" }] }`,
      "expressions",
    ],
    ["no version", `{ "resources": [] }`, "a template with 0 image versions"],
    [
      "parameters of something else",
      `{ "parameters": { "a": { "value": 1 } } }`,
      "none of them has a value",
    ],
  ])("refuses a file with %s", async (_name, stdin, message) => {
    const run = await runLine(`image-version plan ${AT} -e 1.0.0 --file -`, plan([]), { stdin });
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(message);
  });
});

describe("wait", () => {
  const wait = (line: string, ...replies: readonly Reply[]): ReturnType<typeof runLine> =>
    runLine(
      `image-version wait ${AT} -e 1.0.0 ${line}`,
      (_request, number) => replies[Math.min(number, replies.length) - 1] ?? [500, {}],
    );
  const state = (provisioningState: string): Reply => [
    200,
    { ...VERSION, properties: { ...VERSION.properties, provisioningState } },
  ];

  it("asks until the condition holds", async () => {
    const created = await wait(
      "--created",
      problem(404, "NotFound"),
      state("Creating"),
      state("Succeeded"),
    );
    expect([created.code, created.requests.length]).toEqual([0, 3]);
    expect((await wait("--deleted", state("Deleting"), problem(404, "NotFound"))).code).toBe(0);
    expect((await wait("--exists", state("Creating"))).code).toBe(0);
    const custom = await wait(
      "--custom length(publishingProfile.targetRegions)==`2`",
      state("Creating"),
    );
    expect(custom.code).toBe(0);
  });

  it("ends with 0 once the machine is captured, and with the error of what ended before", async () => {
    const pending: Reply = [
      409,
      { code: "ImageVersionConflict", detail: "Created.", existingOperationId: "op-1" },
    ];
    const captured = (...statuses: readonly string[]) => {
      let asked = 0;
      return runLine(`image-version wait ${AT} -e 1.0.0 --captured`, ({ path }) => {
        if (!path.includes("/operations/")) return pending;
        asked += 1;
        return [200, operation(statuses[Math.min(asked, statuses.length) - 1] ?? "")];
      });
    };
    const done = await captured("NotStarted", "NotStarted", "Running");
    expect([
      done.code,
      done.requests.filter(({ path }) => path.includes("/operations/")).length,
    ]).toEqual([0, 3]);
    expect((await captured("NotStarted", "Failed")).code).toBe(1);
    expect((await captured("Succeeded")).code).toBe(0);
  });

  // GET is a conflict until Azure shows a version that is restored.
  const restoring: Reply = [
    409,
    {
      code: "ImageVersionConflict",
      detail: "Wait.",
      existingOperationId: "op-1",
    },
  ];

  it("asks again while the version is being restored, which is not deleted", async () => {
    for (const condition of ["--created", "--exists", "--custom name"])
      expect((await wait(condition, restoring, state("Succeeded"))).requests).toHaveLength(2);
    const gone = await wait("--deleted", restoring, problem(404, "NotFound"));
    expect([gone.code, gone.requests.length]).toEqual([0, 2]);
  });

  it("watch follows what restores the version", async () => {
    const { code, requests } = await runLine(
      `image-version watch ${AT} -e 1.0.0`,
      ({ path }, number) =>
        path.includes("/operations/")
          ? [200, operation("Succeeded")]
          : number === 1
            ? restoring
            : state("Succeeded"),
    );
    expect([code, requests[1]?.path]).toEqual([0, expect.stringContaining("/operations/op-1")]);
  });

  describe("watch, of an operation that had ended", () => {
    const watch = (
      seen: readonly Record<string, unknown>[],
      seenTime = "2026-01-02T00:00:00Z",
      warnings: readonly { readonly message: string }[] = [],
    ): ReturnType<typeof runLine> =>
      runLine(`image-version watch ${AT} -e 1.0.0`, ({ path }) =>
        path.includes("/operations/")
          ? [
              200,
              operation("Succeeded", [usable, { ...usable, name: "eastus2" }], {
                endTime: "2026-01-01T01:00:00Z",
              }),
            ]
          : [
              200,
              {
                ...VERSION,
                sigil: {
                  ...VERSION.sigil,
                  seenTime,
                  regions: seen,
                  warnings,
                },
              },
            ],
      );

    it("tells the regions as Azure shows them, and that it no longer has one", async () => {
      const { code, stdout, stderr } = await watch([usable]);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain("MyImage 1.0.0 westus: 100 %, usable\n");
      expect(stderr).not.toContain("eastus2: 100 %");
      expect(stderr).toEqual(naming(["eastus2"]));
    });

    it("tells a region that has failed since", async () => {
      const { code, stderr } = await watch([usable, { ...failed, name: "eastus2" }]);
      expect(code).toBe(1);
      expect(stderr).toContain("eastus2: Failed. No capacity.");
    });

    it("is done where every region is usable, those of others, too", async () => {
      const regions = ["westus", "eastus2", "uksouth"].map((name) => ({
        ...usable,
        name,
      }));
      const { code, stdout, stderr } = await watch(regions);
      expect([code, stderr]).toEqual([0, expect.stringContaining("uksouth: 100 %, usable")]);
      expect(JSON.parse(stdout)).toMatchObject({ name: "1.0.0" });
    });

    it("goes by the operation where the version was read before its end", async () => {
      const { code, stderr } = await watch([usable], "2026-01-01T00:59:00Z");
      expect([code, stderr]).toEqual([0, expect.stringContaining("eastus2: 100 %, usable")]);
    });

    it("says what Sigil warns of: that Azure shows it otherwise, which may be old", async () => {
      const { stderr } = await watch([usable], "2026-01-01T00:59:00Z", [
        { message: "Azure shows it otherwise." },
      ]);
      expect(stderr).toContain("Azure shows it otherwise.");
    });
  });

  it("ends with 1 where the version fails, and with 5 after --timeout", async () => {
    expect((await wait("--created", state("Failed"))).code).toBe(1);
    const slept: number[] = [];
    const late = await runLine(
      `image-version wait ${AT} -e 1.0.0 --created --interval 10 --timeout 30`,
      () => state("Creating"),
      {
        sleep: (ms) => {
          slept.push(ms);
          return Promise.resolve();
        },
      },
    );
    expect([late.code, late.requests.length]).toEqual([5, 4]);
    expect(slept).toEqual([10_000, 10_000, 10_000]);
  });
});

describe("what is printed", () => {
  const list = (line: string, isTerminal = false): ReturnType<typeof runLine> =>
    runLine(`image-version list ${AT} ${line}`, () => [200, { value: [VERSION] }], {
      isTerminal,
    });

  it.each([
    [
      "-o tsv --query [].[name,location,tags,publishingProfile.targetRegions,missing]",
      "1.0.0\twestus\t\t2\tNone\n",
    ],
    ["-o tsv --query [0].sigil.latest", "true\n"],
    ["--query [0].name", '"1.0.0"\n'],
    ["--query [0].missing", ""],
    ["--query [0].constructor", ""],
    ["-o tsv --query [0].toString", ""],
    ["-o none", ""],
    ["-o yaml --query [].{name:name}", "- name: 1.0.0\n"],
    ["-o table --query [].{Name:name,Tags:tags}", "Name\n-----\n1.0.0\n"],
    [
      "-o table",
      `Name   ProvisioningState  TargetRegions       ReplicationState  Latest  LatestIn  Keys    Conditions
-----  -----------------  ------------------  ----------------  ------  --------  ------  ----------
1.0.0  Succeeded          West US, East US 2                    yes     westus    AtRisk  KeyAtRisk
`,
    ],
  ])("with %s", async (line, printed) => {
    expect((await list(line)).stdout).toBe(printed);
  });

  it("has colours with jsonc on a terminal, and is JSON all the same", async () => {
    const { stdout } = await list("-o jsonc", true);
    expect(stdout).toContain("\x1b[");
    expect(JSON.parse(stripVTControlCharacters(stdout))).toHaveLength(1);
    expect((await list("-o jsonc")).stdout).not.toContain("\x1b[");
  });
});

describe("help and completion", () => {
  it("says on every level what there is", async () => {
    const help = async (line: string): Promise<string> => {
      const { code, stdout, stderr } = await runLine(line, () => new Error());
      expect([code, stderr]).toEqual([0, ""]);
      return stdout;
    };
    expect(await help("--help")).toContain("Exit codes");
    expect(await help("operation")).toContain("cancel");
    for (const { words, options } of COMMANDS) {
      const text = await help(`${words} --help`);
      for (const { names } of options) for (const name of names) expect(text).toContain(name);
      for (const line of text.split("\n"))
        if (!line.startsWith("    sigil ")) expect(line.length).toBeLessThan(101);
    }
  });

  it("each command says what it does in one line, and its examples are lines that it takes", () => {
    for (const { words, summary, options, examples = [] } of COMMANDS) {
      expect(summary, words).toMatch(/^[A-Z].*[^.]$/u);
      for (const { names, help } of options)
        expect(help, `${words} ${names[0]}`).toMatch(/^[A-Z"'(a-z].*\.$/u);
      for (const [, line] of examples) {
        const [, command = "", rest = ""] =
          /^(?:eval "\$\()?sigil (\S+(?: [a-z-]+)?)(.*)$/u.exec(line) ?? [];
        expect(command, line).toContain(words.split(" ")[0]);
        if (line.startsWith("sigil ") && !line.includes("|"))
          optionsOf(words, `${command} ${rest}`.slice(words.length));
      }
    }
  });

  it.each([
    [["ima"], ["image-definition", "image-version"]],
    [["image-version", "pro"], ["promote"]],
    [
      ["image-version", "create", "--data-vhds-s"],
      ["--data-vhds-sa", "--data-vhds-storage-accounts"],
    ],
    [["image-version", "list", "-o", "ts"], ["tsv"]],
    [
      ["image-version", "create", "--replication-mode", ""],
      ["Full", "Shallow"],
    ],
    [["image-version", "create", "--replication-mode=S"], ["--replication-mode=Shallow"]],
    [
      ["image-version", "create", "--exclude-from-latest", ""],
      ["false", "true"],
    ],
    // What must come is a name or a file, and no option.
    [["image-version", "create", "--file", ""], []],
    [["image-version", "create", "--target-regions", ""], []],
    [["image-version", "create", "--target-regions", "westus=1", "--if"], ["--if-match"]],
    [["--"], ["--help", "--version"]],
    [["image-version", "-"], ["--help"]],
    [["completion", "po"], ["powershell"]],
    [["nonsense", ""], []],
  ])("%j is completed", async (line, found) => {
    const { stdout } = await runLine(["__complete", ...line], () => new Error());
    expect(stdout.split("\n").filter(Boolean)).toEqual(found);
  });

  it("gives each shell a script that asks for the words", async () => {
    for (const shell of SHELLS)
      expect((await runLine(`completion ${shell}`, () => new Error())).stdout).toContain(
        "sigil __complete",
      );
  });
});

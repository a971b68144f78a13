/** Names, tags, files and answers are foreign texts: nobody who reads what the command line prints acts on one. */
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runAction } from "../../../src/cli/src/action.js";
import { COMMANDS } from "../../../src/cli/src/commands/all.js";
import { AT, runLine, VERSION, words, type Reply, type Request, type Run } from "./command-line.js";

const HOSTILE = [
  "x",
  "##vso[task.prependpath]/home/pr/bin",
  "::add-path::/home/pr/bin",
  "\u00a0 ::add-path::/home/pr/bin",
  "\u2060::add-path::/home/pr/bin",
  "#\u200b#vso[task.complete result=Succeeded]#\ufe0f#[add-path]/home/pr/bin",
  "forged: done\r::add-path::/home/pr/bin\u2028::add-path::/home/pr/bin",
  "\x1b[31;42m\x1b]0;title\x07\x9b2J\u202egnp.exe\u2066|y\t",
].join("\n");

/** Each foreign text in `value` made hostile; what a command goes by stays. */
function hostile(value: unknown, name = ""): unknown {
  if (typeof value === "string")
    return /^(?:status|severity|result|type|location)$/u.test(name) ? value : `${value}${HOSTILE}`;
  if (Array.isArray(value)) return value.map((each) => hostile(each));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([each, inner]) => [each, hostile(inner, each)]),
  );
}

const finding = (severity: string) => ({
  severity,
  code: "Code",
  pointer: "/tags",
  message: "Message.",
  remediation: "Remediation.",
});
const users = {
  count: 1,
  regions: [{ name: "westus", count: 1 }],
  first: [{ id: "/machine" }],
};
const region = {
  ...{ name: "westus", state: "Failed", progress: 3, attempts: 2 },
  ...{ result: "failed", reason: { code: "Code" }, details: "No capacity." },
  ...{ from: "1.0.0", to: "2.0.0", machineSize: "Size", disks: [{ lun: 0 }] },
  cost: { message: "Cost.", atMost: 1, currency: "EUR" },
  hindrance: { message: "Hindrance." },
  atMostMinutes: 1,
};
/** What every command finds something in: a version, an operation, a plan and a list in one. */
function anything(status: string): Record<string, unknown> {
  const own = hostile({
    ...VERSION,
    sigil: { ...VERSION.sigil, regions: [region] },
    ...{ kind: "CreateImageVersion", status, percentComplete: 1 },
    ...{ resourceId: VERSION.id, createdTime: "2026", waitReason: "Waits." },
    ...{ requestedBy: { name: "Name" }, canceledBy: { name: "Name" } },
    reportedBy: { name: "Name" },
    error: { code: "Code", message: "Message.", errors: [finding("error")] },
    ...{ regions: [region], tests: [region], history: [] },
    ...{ findings: ["error", "warning", "info"].map(finding), changes: [] },
    ...{ warnings: [finding("warning")], registrations: [region] },
    ...{ deletions: [region], kept: [region], profile: { size: "Size" } },
    ...{
      policy: { mode: "delete" },
      diskEncryptionSets: ["Set"],
      versions: [],
    },
    keys: [{ diskEncryptionSet: 0, problems: [finding("error")], notSeen: [] }],
    ...{ rollback: { from: "1.0.0", to: "2.0.0", regions: [region] } },
    ...{ images: [{ galleryName: HOSTILE }], from: "2026", until: "2027", reason: HOSTILE },
    ...{ scaleSets: users, ephemeralMachines: users, machines: users },
    notSeen: [{ subscriptionId: "id", message: "Message." }],
    ...{ latestIn: ["westus"], how: "Seen" },
    whatToDo: { sentence: "Sentence." },
    ...{ az: "az", powerShell: "New-AzVM", bicep: "param" },
    ...{ rejectionReason: "Reason.", region: "westus", message: "Message." },
    ...{ time: "2026", subject: VERSION.id, data: { error: "Error." } },
  }) as Record<string, unknown>;
  // An operation's id is in addresses; a name of a tag is a foreign text, too.
  return { ...own, id: "op-1", type: "Failed", tags: { [HOSTILE]: HOSTILE } };
}

const VERSION_AT = `${AT} -e 1.0.0`;
const LINES: Readonly<Record<string, string>> = {
  "image-version create": `${VERSION_AT} --file -`,
  "image-version plan": `${VERSION_AT} --file -`,
  "image-version show": VERSION_AT,
  "image-version list": AT,
  "image-version query": "",
  "image-version update": `${VERSION_AT} --set tags.a=b`,
  "image-version adopt": `--ids ${VERSION.id} ${VERSION.id}1 --dry-run`,
  "image-version delete": `${VERSION_AT} --no-wait --yes`,
  "image-version list-soft-deleted": AT,
  "image-version undelete": VERSION_AT,
  "image-version purge": `${VERSION_AT} --no-wait --yes`,
  "image-version wait": `${VERSION_AT} --exists`,
  "image-version watch": VERSION_AT,
  "image-version machine": `${VERSION_AT} --region westus`,
  "image-version use": VERSION_AT,
  "image-version descendants": VERSION_AT,
  "image-version test": VERSION_AT,
  "image-version promote": VERSION_AT,
  "image-version demote": VERSION_AT,
  "image-version roll-back": AT,
  "image-version approve": `${VERSION_AT} --reason CVE`,
  "image-version revoke": `${VERSION_AT} --reason CVE`,
  "image-version unrevoke": VERSION_AT,
  "image-version retry": VERSION_AT,
  "gallery list": "",
  "image-definition list": "-g MyResourceGroup -r MyGallery",
  "key list": AT,
  "operation list": "",
  "operation show": "op-1",
  "operation confirm": "op-1",
  "operation watch": "op-1",
  "operation cancel": "--filter status=Running --yes",
  "events tail": "--count 1",
  "test-result list": VERSION_AT,
  "test-result add": `${VERSION_AT} -n boot --region westus --result passed`,
  "test-profile show": AT,
  "test-profile set": `${AT} --file -`,
  "test-profile delete": AT,
  "freeze create": "-n a --gallery g --until 2027-01-01T00:00Z --reason CVE",
  "freeze list": "",
  "freeze delete": "-n a",
  "retention show": AT,
  "retention set": `${AT} --keep-newest-promoted 1`,
  "retention delete": AT,
  "subscription prepare": "",
  "subscription show": "",
  apply: "--file -",
  status: "",
  "encryption-set list": "",
  "rejected list": "",
  "rejected send-again": "--id 42",
  open: "--print",
  configure: "",
  version: "",
  completion: "bash",
};
/** They print what this machine has alone, or nothing where all is well; status in tsv has no text of its rows. */
const OWN = [
  "status",
  "image-version purge",
  "open",
  "configure",
  "version",
  "completion",
  "image-version wait",
];
/** Beside the rows of what needs a person. */
const SEEN = { counts: { error: 0 }, seen: { neverSets: 0 }, complete: true };
const FORMATS = ["json", "jsonc", "yaml", "tsv", "table"];
const ENDS = ["Failed", "Canceled", "refused"] as const;
type End = "Succeeded" | (typeof ENDS)[number];
/** An answer in each format; where there is none, the format does not matter. */
const CASES: readonly (readonly [format: string, End])[] = [
  ...FORMATS.map((format) => [format, "Succeeded"] as const),
  ...ENDS.map((end) => ["json", end] as const),
];
const BUILDS = {
  terminal: {},
  github: { GITHUB_ACTIONS: "true" },
  "azure-devops": { TF_BUILD: "True" },
};
type Build = keyof typeof BUILDS;

function service(end: End) {
  let looks = 0;
  return ({ method, path }: Request): Reply => {
    if (path.includes("/messages/head")) return [200, anything("Running")];
    if (path.includes("/subscriptions/sigil-tail-")) return [201, ""];
    if (end === "refused")
      return [
        422,
        hostile({
          ...{ title: "Title", detail: "Detail.", code: "Code", status: 422 },
          errors: ["error", "warning", "info"].map(finding),
        }),
      ];
    const now = anything((looks += 1) < 3 ? "Running" : end);
    const isPage =
      path.endsWith("/approve") ||
      (method === "GET" &&
        /(?:versions|images|galleries|Versions|operations|results|Sets|requests|attention|descendants|freezes|items)(?:\?[^/]*)?$/iu.test(
          path,
        ));
    const isWrite = method !== "GET" && !path.includes("/plan");
    return [isWrite ? 202 : 200, isPage ? { ...SEEN, value: [now] } : now, { ETag: '"1"' }];
  };
}

function print(
  command: string,
  format: string,
  build: Build,
  end: End = "Succeeded",
): Promise<Run> {
  return runLine(
    [
      ...command.split(" "),
      ...words(LINES[command] ?? "").filter(Boolean),
      ...(command === "events tail" && /jsonc|yaml/u.test(format) ? [] : ["-o", format]),
    ],
    service(end),
    {
      environment: {
        SIGIL_SERVICE_BUS:
          "Endpoint=sb://localhost:5672;SharedAccessKeyName=Key;SharedAccessKey=c2VjcmV0==;UseDevelopmentEmulator=true",
        ...BUILDS[build],
      },
      stdin: JSON.stringify({ ...(hostile({ location: "westus" }) as object), id: VERSION.id }),
      isTerminal: build === "terminal",
    },
  );
}

const ANNOTATION = /^(?:::(?:error|warning|notice) [^:]*::|##vso\[task\.logissue [^\]]*\])/u;
const ACTED_ON = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u;

/** The lines that a build would take for a command, as the runners read them; Sigil's own annotations are none. */
function commandsIn(text: string): string[] {
  return text.split(/\r\n|\r|\n/u).filter((line) => {
    const read = line
      .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "")
      .trimStart()
      .replace(ANNOTATION, "");
    return read.startsWith("::") || /##\w*\[/u.test(read);
  });
}

it("every command is held", () => {
  expect(Object.keys(LINES).sort()).toEqual(COMMANDS.map((each) => each.words).sort());
  expect(commandsIn(HOSTILE).length).toBeGreaterThan(5);
});

describe.each(Object.keys(LINES))("%s", (command) => {
  it.each(["github", "azure-devops"] as const)(
    "prints no command of a build on %s",
    async (build) => {
      for (const [format, end] of CASES) {
        const { stdout, stderr } = await print(command, format, build, end);
        const text = stdout + stderr;
        expect(commandsIn(text), `${format} ${end}`).toEqual([]);
        expect(text.replaceAll("\t", "")).not.toMatch(ACTED_ON);
        expect(text).not.toMatch(/^\s*forged/mu);
        if (!OWN.includes(command)) expect(text).toContain("pr/bin");
      }
    },
  );

  it("sends a terminal nothing but its own colours and moves", async () => {
    for (const [format, end] of CASES) {
      const { stdout, stderr } = await print(command, format, "terminal", end);
      const others = (stdout + stderr)
        .replaceAll(/\r\x1b\[\d+A\x1b\[J|\x1b\[\d+m/gu, "")
        .replaceAll("\t", "");
      expect(others, `${format} ${end}`).not.toMatch(ACTED_ON);
    }
  });

  it.each(["github", "azure-devops"] as const)(
    "prints JSON and YAML of the same value on %s",
    async (build) => {
      if (command === "completion" || command === "open") return;
      const plain = await print(command, "json", "terminal");
      const values: unknown = plain.stdout === "" ? undefined : JSON.parse(plain.stdout);
      const inBuild = await print(command, "json", build);
      expect(inBuild.stdout === "" ? undefined : JSON.parse(inBuild.stdout)).toEqual(values);
      if (values === undefined || command === "events tail") return;
      const { stdout } = await print(command, "yaml", build);
      expect(parse(stdout)).toEqual(values);
    },
  );
});

it("what is typed is shown, and done by nobody", async () => {
  for (const line of [
    ["image-version", "show", ...words(AT), "-e", "1", HOSTILE],
    [HOSTILE],
    ["operation", "list", "--filter", HOSTILE],
    ["image-version", "plan", ...words(VERSION_AT), "--file", HOSTILE],
    [
      "image-version",
      "create",
      ...words(VERSION_AT),
      ...["--managed-image", "image", "--target-regions", HOSTILE, "b"],
      ...["--target-region-encryption", HOSTILE],
    ],
  ]) {
    const run = await runLine(line, () => new Error(), {
      environment: BUILDS["azure-devops"],
    });
    expect(run.code, line.join(" ")).toBe(2);
    expect(run.stderr).toContain("pr/bin");
    expect(commandsIn(run.stderr)).toEqual([]);
    expect(run.stderr).not.toMatch(/^\s*forged/mu);
  }
});

it("a file that is no JSON is quoted, and done by nobody", async () => {
  const { code, stderr } = await runLine(
    `image-version plan ${VERSION_AT} --file -`,
    () => new Error(),
    { stdin: HOSTILE, environment: BUILDS.github },
  );
  expect([code, commandsIn(stderr)]).toEqual([2, []]);
  expect(stderr).toContain("- is no JSON");
});

it("the form of a machine is printed line by line, and done by nobody", async () => {
  const { stdout } = await runLine(
    `image-version machine ${VERSION_AT} --region westus --form bicep`,
    () => [200, { bicep: `param\n${HOSTILE}`, warnings: [] }],
    { environment: BUILDS.github },
  );
  expect(stdout).toMatch(/^param\nx\n/u);
  expect(commandsIn(stdout)).toEqual([]);
});

it("a step's outputs and summary are the ones that they are named for", async () => {
  const files: Record<string, string> = {};
  let log = "";
  const respond = service("Succeeded");
  const code = await runAction({
    io: {
      // eslint-disable-next-line @typescript-eslint/require-await -- nothing is read of it
      stdin: (async function* () {
        yield "";
      })(),
      stdout: { write: (text) => (log += text) },
      stderr: { write: (text) => (log += text) },
      environment: {
        GITHUB_ACTIONS: "true",
        GITHUB_OUTPUT: "output",
        GITHUB_STEP_SUMMARY: "summary",
        SIGIL_CONFIG_DIR: "/nowhere",
        INPUT_ENDPOINT: "https://sigil.example",
        "INPUT_ACCESS-TOKEN": "token",
        INPUT_SUBSCRIPTION: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
        "INPUT_RESOURCE-GROUP": "G",
        INPUT_GALLERY: "Y",
        "INPUT_IMAGE-DEFINITION": "I",
        INPUT_VERSION: "1.0.0",
        INPUT_ARGUMENTS: "--managed-image i --target-regions westus",
      },
      interrupted: new AbortController().signal,
      sleep: () => Promise.resolve(),
      browse: () => Promise.resolve(false),
      fetch: (address, init) => {
        const { pathname } = new URL(address instanceof Request ? address.url : address);
        const [status, body] = respond({
          method: init?.method ?? "GET",
          path: pathname,
          headers: new Headers(),
          body: undefined,
        }) as readonly [number, unknown];
        return Promise.resolve(new Response(JSON.stringify(body), { status }));
      },
    },
    append: (file, text) => (files[file] = (files[file] ?? "") + text),
  });
  expect(code, log).toBe(0);
  const { output = "", summary = "" } = files;
  expect(output.split("\n").map((line) => line.replace(/=.*$/u, ""))).toEqual([
    "operation",
    "version",
    "resource-id",
    "regions",
    "",
  ]);
  expect(output).toContain("pr/bin");
  expect(summary.split("\n")).toHaveLength(7);
  for (const text of [output, summary, log]) {
    expect(commandsIn(text)).toEqual([]);
    expect(text).not.toMatch(ACTED_ON);
  }
});

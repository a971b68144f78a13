import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { parse } from "yaml";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { LOCAL_APPLICATIONS } from "@sigil-local/token-issuer";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { managedImageRequest } from "../support/requests.js";
import { Stack } from "../support/stack.js";

const SIGIL = path.resolve("src/cli/dist/sigil.cjs");
const ACTION = path.resolve("integrations/github/dist/index.cjs");
const AT = "-g MyResourceGroup --gallery-name MyGallery --gallery-image-definition MyImage";
const KEYS =
  "--target-region-encryption WestUSDiskEncryptionSet1,0,WestUSDiskEncryptionSet2 EastUS2DiskEncryptionSet1,0,EastUS2DiskEncryptionSet2";

/** util-linux's, which gives a program a terminal. */
const terminal = needs("script", ...(process.platform === "linux" ? [] : [false]));

const machines = resourcesIn(LOCAL_SUBSCRIPTION_ID, "ImageTests");

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let stack: Stack;
let host: HostProcess;
let folder: string;
let environment: Record<string, string | undefined>;
beforeAll(async () => {
  stack = await Stack.start({
    simulator: { replication: { durationMs: 1_500 } },
    settings: { SIGIL_TEST_MACHINES: "true" },
  });
  host = await stack.startHost();
  folder = await mkdtemp(path.join(tmpdir(), "sigil-cli-"));
  environment = {
    PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env["PATH"]}`,
    HOME: folder,
    NODE_EXTRA_CA_CERTS: process.env["NODE_EXTRA_CA_CERTS"],
    SIGIL_ENDPOINT: host.origin,
    SIGIL_SERVICE_BUS: stack.services.serviceBus?.connectionString,
    SIGIL_SUBSCRIPTION: LOCAL_SUBSCRIPTION_ID,
    SIGIL_ACCESS_TOKEN: await stack.services.tokenIssuer?.issueToken({
      roles: ["ImageVersions.Write"],
    }),
  };
});
afterAll(async () => {
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

let number = 0;
let version: string;
beforeEach(() => {
  version = `3.0.${(number += 1)}`;
});

/** Runs a bash script in which `sigil` is the built file. */
function bash(
  script: string,
  more: Record<string, string | undefined> = {},
  onText?: (text: string, interrupt: () => void) => void,
): Promise<Ended> {
  const child = spawn("bash", ["-c", `sigil() { exec node ${SIGIL} "$@"; }\n${script}`], {
    env: { ...environment, ...more },
  });
  let stdout = "";
  let stderr = "";
  const interrupt = (): void => void child.kill("SIGINT");
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => {
    stderr += text.toString();
    onText?.(stderr, interrupt);
  });
  child.stdin.end();
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

test("the seed's command, az's word changed, makes a version that is usable in each region", async () => {
  const { code, stdout, stderr } = await bash(`sigil image-version create \\
   -g MyResourceGroup \\
   --gallery-image-version ${version} \\
   --location westus \\
   --target-regions westus=2=standard_lrs eastus2 \\
   ${KEYS} \\
   --gallery-name MyGallery \\
   --gallery-image-definition MyImage \\
   --managed-image "/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/myResourceGroup/providers/Microsoft.Compute/images/myImage"`);
  expect([code, stderr]).toEqual([0, expect.stringContaining("eastus2: 100 %, usable")]);
  expect(JSON.parse(stdout)).toMatchObject({
    name: version,
    provisioningState: "Succeeded",
    publishingProfile: {
      targetRegions: [
        { regionalReplicaCount: 2, storageAccountType: "Standard_LRS" },
        { regionalReplicaCount: 1 },
      ],
    },
  });
  const changed = await bash(
    `sigil image-version update ${AT} -e ${version} --set publishingProfile.excludeFromLatest=true tags.build=1 --allow-no-latest --query tags.build -o tsv`,
  );
  expect([changed.code, changed.stdout]).toEqual([0, "1\n"]);
  const removed = await bash(
    `sigil image-version update ${AT} -e ${version} --remove publishingProfile.targetRegions eastus2 --query "publishingProfile.targetRegions[].name" -o tsv`,
  );
  expect([removed.code, removed.stdout]).toEqual([0, expect.stringMatching(/^west ?us\n$/iu)]);
  const gone = await bash(`sigil image-version delete ${AT} -e ${version} && exit 9; true`);
  expect([gone.code, gone.stdout]).toEqual([0, ""]);
});

test("what was deleted by mistake is listed, and restored", async () => {
  const gallery = stack.simulator.resources().find(({ id }) => id.endsWith("/galleries/MyGallery"));
  if (gallery === undefined) throw new Error("there is no MyGallery");
  await stack.simulator.putResource({
    ...gallery,
    properties: {
      ...gallery.properties,
      softDeletePolicy: { isSoftDeleteEnabled: true },
    },
  });
  onTestFinished(() => stack.simulator.putResource(gallery));
  const run = await bash(`set -e
    (sigil image-version create ${AT} -e ${version} -l westus --target-regions westus=1 eastus2 ${KEYS} --managed-image myImage -o none)
    (sigil image-version delete ${AT} -e ${version} --allow-no-latest)
    (sigil image-version list-soft-deleted ${AT} --query "[?name=='${version}'].location" -o tsv)
    (sigil image-version undelete ${AT} -e ${version} --query "publishingProfile.targetRegions[].name" -o tsv)`);
  expect(run.code, run.stderr).toBe(0);
  expect(run.stdout).toMatch(/^westus\nwest ?us\neast ?us ?2\n$/iu);
  expect(run.stderr).toContain("eastus2: 100 %, usable");
});

test("the seed's command for snapshots is refused by the plan: its eastus has the sets of eastus2", async () => {
  const { code, stdout, stderr } = await bash(`sigil image-version create \\
   -g MyResourceGroup --gallery-image-version ${version} --location westus\\
   --target-regions westus=2=standard_lrs eastus\\
   ${KEYS} \\
   --os-snapshot myOSSnapshot --data-snapshot-luns 0 --data-snapshots myDDSnapshot \\
   --gallery-name MyGallery --gallery-image-definition MyImage`);
  expect([code, stdout]).toEqual([3, ""]);
  expect(stderr).toContain("DiskEncryptionSetInOtherRegion");
});

test("Ctrl-C and --timeout end the waiting, not the work", async () => {
  const create = `sigil image-version create ${AT} -e ${version} --target-regions westus=1=standard_lrs --managed-image myImage`;
  let isInterrupted = false;
  const interrupted = await bash(create, {}, (text, interrupt) => {
    // A second one would end the process at once.
    if (text.includes("westus:") && !isInterrupted) interrupt();
    isInterrupted ||= text.includes("westus:");
  });
  expect(interrupted.code).toBe(130);
  const [, watch = ""] = /To look again: (.*)$/mu.exec(interrupted.stderr) ?? [];
  expect((await bash(`${watch} --timeout 0`)).code).toBe(5);
  const ended = await bash(`${watch} -o table`);
  expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining("Succeeded")]);
});

test("on a terminal of 80 columns it draws bars", terminal, async () => {
  const line = `node ${SIGIL} image-version create ${AT} -e ${version} --target-regions westus=1=standard_lrs --managed-image myImage -o none`;
  const { code, stdout } = await bash(
    `script --quiet --return --command "stty cols 80; ${line}" /dev/null`,
    { TERM: "xterm" },
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/█{24}\x1b\[39m 100 % {2}usable/u);
  expect(stdout).toContain("\x1b[J");
});

describe("events tail", () => {
  const create = (): Promise<Ended> =>
    bash(
      `sigil image-version create ${AT} -e ${version} --target-regions westus=1=standard_lrs --managed-image myImage --no-wait`,
    );
  const whenListening = (act: () => unknown) => {
    let isListening = false;
    return (text: string): void => {
      if (isListening || !text.includes("Listening to")) return;
      isListening = true;
      act();
    };
  };

  test("prints each event of the topic as a line of JSON, by a subscription that it deletes", async () => {
    const { code, stdout, stderr } = await bash(
      `sigil events tail --filter version=${version} --type RegionCompleted Completed --count 2`,
      {},
      whenListening(create),
    );
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^Listening to image-version-events of .*\n$/u),
    ]);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { type: string }).type)
        .sort(),
    ).toEqual(["Sigil.ImageVersion.Completed", "Sigil.ImageVersion.RegionCompleted"]);
  });

  test("signs in to Service Bus by Entra ID, whatever token Sigil is given", async () => {
    const { key, cert, caFile } = await createCertificateAuthority(folder);
    const event = {
      type: "Sigil.ImageVersion.Completed",
      time: "2026-01-01T00:00:00Z",
      subject: "",
      data: {},
    };
    const bearers = new Set<string | undefined>();
    const server = createServer({ key, cert }, ({ method, url, headers }, to) => {
      bearers.add(headers.authorization);
      to.statusCode = method === "PUT" ? 201 : 200;
      to.end(url?.includes("/messages/head") ? JSON.stringify(event) : "");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { settings } = stack.services;
    const { code, stdout, stderr } = await bash("sigil events tail --count 1 --query type", {
      SIGIL_SERVICE_BUS: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      NODE_EXTRA_CA_CERTS: caFile,
      IDENTITY_ENDPOINT: settings["IDENTITY_ENDPOINT"],
      IDENTITY_HEADER: settings["IDENTITY_HEADER"],
    });
    expect([code, stdout], stderr).toEqual([0, `"${event.type}"\n`]);
    const [bearer, ...others] = bearers;
    expect(others).toEqual([]);
    const [, claims = ""] = /^Bearer [\w-]+\.([\w-]+)\./u.exec(bearer ?? "") ?? [];
    expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({
      aud: "https://servicebus.azure.net",
    });
  });

  test("ends when nobody reads it any more", async () => {
    const { code, stdout, stderr } = await bash(
      `set -o pipefail; sigil events tail --filter version=${version} --query type -o tsv | head -1`,
      {},
      whenListening(create),
    );
    expect([code, stdout, stderr]).toEqual([
      0,
      "Sigil.ImageVersion.Accepted\n",
      expect.not.stringContaining("Interrupted"),
    ]);
  });

  test("ends at Ctrl-C", async () => {
    let interrupt = (): void => undefined;
    const listening = whenListening(() => interrupt());
    const { code, stdout, stderr } = await bash("sigil events tail", {}, (text, byCtrlC) => {
      interrupt = byCtrlC;
      listening(text);
    });
    expect([code, stdout, stderr]).toEqual([
      130,
      "",
      expect.stringMatching(/^Listening to image-version-events of .*\n$/u),
    ]);
  });
});

test("tests a version by a machine, and a version that fails it", async () => {
  const network = machines.virtualNetwork("tests", "westus", ["machines"]);
  await stack.simulator.putResource(machines.group("westus"));
  await stack.simulator.putResource(network);
  await stack.simulator.setMachineTimes({ startMs: 300, deleteMs: 200 });
  const profile = path.join(folder, "profile.json");
  await writeFile(
    profile,
    JSON.stringify({
      machineSize: "Standard_D2s_v5",
      resourceGroupName: "ImageTests",
      regions: [{ name: "westus", subnetId: `${network.id}/subnets/machines` }],
      proof: { kind: "agentReady" },
    }),
  );
  const set = await bash(`sigil test-profile set ${AT} --file ${profile}`, {
    SIGIL_ACCESS_TOKEN: await stack.services.tokenIssuer?.issueToken({
      roles: ["ImageVersions.Admin"],
    }),
  });
  expect([set.code, set.stderr]).toEqual([0, ""]);
  const created = await bash(
    `sigil image-version create ${AT} -e ${version} --target-regions westus=1=standard_lrs --target-region-encryption WestUSDiskEncryptionSet1,0,WestUSDiskEncryptionSet2 --managed-image myImage`,
  );
  expect(created.code).toBe(0);
  const passed = await bash(`sigil image-version test ${AT} -e ${version}`);
  expect([passed.code, passed.stderr]).toEqual([
    0,
    expect.stringContaining("westus: 100 %, passed"),
  ]);
  expect(passed.stdout).toMatch(/^westus +passed +Standard_D2s_v5 /mu);
  await stack.simulator.planMachine({ does: "wrongKey", region: "westus" });
  const failed = await bash(`sigil image-version test ${AT} -e ${version}`);
  expect([failed.code, failed.stdout]).toEqual([1, ""]);
  expect(failed.stderr).toContain("DiskEncryptionMismatch");
  const elsewhere = await bash(`sigil image-version test ${AT} -e ${version} --regions eastus2`);
  expect(elsewhere.code).toBe(3);
});

test("opens the page in a browser, by no shell", async () => {
  const opened = path.join(folder, "opened");
  const programs = path.join(folder, "programs");
  await mkdir(programs);
  await writeFile(
    path.join(programs, "xdg-open"),
    `#!/bin/sh\nprintf '%s\\n' "$@" > "${opened}.part" && mv "${opened}.part" "${opened}"\n`,
    { mode: 0o755 },
  );
  const { code, stdout } = await bash(
    `sigil open -g 'a&b$(touch ${folder}/x)' -r 'a "b"' -i MyImage`,
    {
      DISPLAY: ":0",
      PATH: `${programs}${path.delimiter}${environment["PATH"]}`,
    },
  );
  expect([code, stdout]).toEqual([0, expect.stringMatching(/\/MyImage\n$/u)]);
  await expect.poll(() => readFile(opened, "utf8").catch(() => undefined)).toBe(stdout);
});

test("signs in with the managed identity that the environment has, which has no role", async () => {
  const { settings } = stack.services;
  const { code, stderr } = await bash("sigil operation list --verbose", {
    SIGIL_ACCESS_TOKEN: "",
    SIGIL_SCOPE: `${settings["SIGIL_TOKEN_AUDIENCE"]}/.default`,
    IDENTITY_ENDPOINT: settings["IDENTITY_ENDPOINT"],
    IDENTITY_HEADER: settings["IDENTITY_HEADER"],
  });
  expect([code, stderr]).toEqual([
    4,
    expect.stringContaining("needs the app role ImageVersions.Read"),
  ]);
});

test("signs in with az's own login", needs("az"), async () => {
  const { tokenIssuer, resourceManager } = stack.services;
  const { clientId, clientSecret } = LOCAL_APPLICATIONS.writer;
  const { code, stdout, stderr } = await bash(
    `az cloud register --name Simulator --endpoint-resource-manager ${resourceManager?.endpoint} >&2
     az cloud set --name Simulator >&2
     az login --service-principal --username ${clientId} --password ${clientSecret} --tenant ${tokenIssuer?.tenantId} >&2
     sigil image-version list ${AT} --only-show-errors --query "[?name=='nothing']"`,
    {
      AZURE_CONFIG_DIR: path.join(folder, ".azure"),
      AZURE_CORE_COLLECT_TELEMETRY: "false",
      REQUESTS_CA_BUNDLE: process.env["NODE_EXTRA_CA_CERTS"],
      SIGIL_ACCESS_TOKEN: "",
      SIGIL_SUBSCRIPTION: "", // az's own default
      SIGIL_SIGN_IN: "az",
      SIGIL_SCOPE: `${stack.services.settings["SIGIL_TOKEN_AUDIENCE"]}/.default`,
    },
  );
  expect([code, stdout], stderr).toEqual([0, "[]\n"]);
});

test("the code in the client's README does what it says", async () => {
  const readme = await readFile("src/client/README.md", "utf8");
  const [, code = ""] = /```js\n([^]*?)```/u.exec(readme) ?? [];
  const file = path.join(folder, "example.mjs");
  const client = pathToFileURL("src/client/dist/client.js").href;
  await writeFile(
    file,
    code
      .replace('"@sigil/client"', JSON.stringify(client))
      .replace('"1.0.0"', JSON.stringify(version)),
  );
  const { code: exit, stdout, stderr } = await bash(`node ${file}`);
  expect([exit, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^westus \d+ %$[^]*^usable\n$/mu);
});

describe("in CI", () => {
  let file: string;
  const write = (body: unknown): Promise<void> => writeFile(file, JSON.stringify(body, null, 2));
  beforeAll(() => {
    file = path.join(folder, "version.json");
  });

  const action = async (inputs: Record<string, string>) => {
    const files = ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"];
    const given: Record<string, string | undefined> = {
      ...environment,
      GITHUB_ACTIONS: "true",
      SIGIL_ENDPOINT: undefined,
      SIGIL_SUBSCRIPTION: undefined,
      SIGIL_ACCESS_TOKEN: undefined,
      INPUT_ENDPOINT: host.origin,
      "INPUT_ACCESS-TOKEN": environment["SIGIL_ACCESS_TOKEN"],
      INPUT_SUBSCRIPTION: LOCAL_SUBSCRIPTION_ID,
      "INPUT_RESOURCE-GROUP": "MyResourceGroup",
      INPUT_GALLERY: "MyGallery",
      "INPUT_IMAGE-DEFINITION": "MyImage",
      INPUT_FILE: file,
      ...inputs,
    };
    for (const name of files) {
      given[name] = path.join(folder, `${name} ${version}`);
      await writeFile(given[name], "");
    }
    const child = spawn(process.execPath, [ACTION], {
      env: given,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let log = "";
    child.stdout.on("data", (text: Buffer) => (log += text.toString()));
    const code = await new Promise((resolve) => child.once("close", resolve));
    const [output = "", summary = ""] = await Promise.all(
      files.map((name) => readFile(given[name] ?? "", "utf8")),
    );
    return { code, log, output, summary };
  };

  test("the GitHub Action publishes, and says what came of it", async () => {
    await write(managedImageRequest());
    const { code, output, summary } = await action({ INPUT_VERSION: version });
    expect(code).toBe(0);
    expect(output).toMatch(
      new RegExp(
        `^operation=\\S+\nversion=${version}\nresource-id=/subscriptions/.*\nregions=\\[.*\\]\n$`,
        "u",
      ),
    );
    expect(summary).toContain(`### MyImage ${version}: create, Succeeded`);
    expect(summary).toContain("| eastus2 | usable | 100 % | 1 |");
    // Once more: there is nothing to do.
    const again = await action({ INPUT_VERSION: version });
    expect([again.code, again.output]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(`^operation=\\S+~${version}~\\d+\nversion=${version}\nresource-id=/`, "u"),
      ),
    ]);
    expect(again.summary).toContain("| eastus2 | usable | 100 % | 1 |");
  });

  test("the GitHub Action shows each finding at its line of the file", async () => {
    const body = managedImageRequest();
    const [, east] = body.properties.publishingProfile?.targetRegions ?? [];
    await write(
      JSON.parse(
        JSON.stringify(body).replaceAll("EastUS2DiskEncryptionSet1", "WestUSDiskEncryptionSet1"),
      ),
    );
    expect(east?.name).toBe("eastus2");
    const { code, log, output } = await action({ INPUT_VERSION: version });
    expect([code, output]).toEqual([3, ""]);
    const [, line = ""] =
      /::error file=[^,]*,line=(\d+),title=DiskEncryptionSetInOtherRegion::/u.exec(log) ?? [];
    const lines = (await readFile(file, "utf8")).split("\n");
    expect(lines[Number(line) - 1]).toContain("diskEncryptionSetId");
    const plan = await action({
      INPUT_VERSION: version,
      "INPUT_PLAN-ONLY": "true",
    });
    expect([plan.code, plan.summary]).toEqual([
      3,
      expect.stringContaining("| error | DiskEncryptionSetInOtherRegion |"),
    ]);
  });

  test("the script of the Azure DevOps template publishes, and sets its outputs", async () => {
    await write(managedImageRequest());
    const template = parse(
      await readFile("integrations/azure-devops/publish-image-version.yml", "utf8"),
    ) as { steps: [{ inputs: { inlineScript: string } }] };
    const script = template.steps[0].inputs.inlineScript
      .replaceAll("$(System.JobId)", "job")
      .replaceAll("$(System.JobAttempt)", version)
      .replace("SIGIL_SIGN_IN=azure-pipelines", "SIGIL_SIGN_IN=az");
    const { code, stdout, stderr } = await bash(script, {
      TF_BUILD: "True",
      servicePrincipalId: "client",
      tenantId: "tenant",
      AGENT_TEMPDIRECTORY: folder,
      SIGIL,
      RESOURCE_GROUP: "MyResourceGroup",
      GALLERY: "MyGallery",
      IMAGE_DEFINITION: "MyImage",
      VERSION: version,
      FILE: file,
      WAIT: "True",
      PLAN_ONLY: "False",
    });
    expect([code, stderr]).toEqual([0, expect.stringContaining("usable")]);
    expect(stdout).toContain(`variable=version;isOutput=true]${version}\n`);
    expect(stdout).toMatch(/variable=operation;isOutput=true\]\S+\n/u);
    expect(await readFile(path.join(folder, "sigil.md"), "utf8")).toContain(
      "| westus | Completed | 100 % |",
    );
  });
});

/**
 * The tutorial and the how-tos, run from the documents themselves, on the stack that `npm start` runs. Each document has an image
 * definition of its own, and so has each way through it: by sigil, by curl.
 */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { LOCAL_APPLICATIONS } from "@sigil-local/token-issuer";
import { runProgram, type Program } from "@sigil-local/testing/program";
import { isAnswered, stepsOf, waysOf, type Step } from "../support/guide.js";

const PORTS = [
  ...["--api-port", "0", "--service-bus-port", "0", "--tables-port", "0"],
  ...["--resource-manager-port", "0", "--token-issuer-port", "0"],
  ...["--managed-identity-port", "0"],
];
const SECONDS = 1.5;
const DOCUMENTS = [
  "docs/tutorial.md",
  ...readdirSync("docs/how-to").map((name) => `docs/how-to/${name}`),
];
/** Between the outputs of two blocks. */
const MARK = "\u001E";

let folder: string;
let stack: Program;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "sigil-guide-test-"));
  await symlink(path.resolve("src"), path.join(folder, "src"));
  stack = runProgram(
    "local-stack/dist/start/main.js",
    [
      ...PORTS,
      ...["--data", path.join(folder, ".sigil")],
      ...["--replication-minutes", String(SECONDS / 60)],
    ],
    {
      SIGIL_POLL_INITIAL_SECONDS: "0.2",
      SIGIL_POLL_MAX_SECONDS: "1",
      SIGIL_CONFIRM_SECONDS: "1",
      SIGIL_STALE_LOOK_SECONDS: "2",
      SIGIL_RECONCILE_SCHEDULE: "*/2 * * * * *",
      SIGIL_KEY_GUARDIAN_SCHEDULE: "*/3 * * * * *",
      SIGIL_DRIFT_SCHEDULE: "*/5 * * * * *",
      SIGIL_TEST_MACHINES: "true",
      SIGIL_CAPTURE_RESOURCE_GROUPS: `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/sigil-captures`,
    },
  );
  await stack.waitForLine(/^curl -s /u);
});
afterAll(async () => {
  stack.kill("SIGINT");
  await stack.exited;
  await rm(folder, { recursive: true, force: true });
});

const { clientId, clientSecret } = LOCAL_APPLICATIONS.writer;

/** What a page begins with: an image definition of its own, and what its hidden steps call. */
const PREAMBLE = String.raw`
source .sigil/env
sigil() { node src/cli/dist/sigil.cjs "$@"; }
export SIGIL_GROUP=MyResourceGroup SIGIL_GALLERY=MyGallery SIGIL_IMAGE=MyImage
IMAGE=$(echo "$IMAGE" | sed 's/[^/]*$/MyImage/')
simulate() { curl -sf --cacert "$CA_CERTIFICATE" -H "Content-Type: application/json" "$RESOURCE_MANAGER/simulator/$1" -d "$2"; }
IMAGE_ID=/subscriptions/$SIGIL_SUBSCRIPTION/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/galleries/MyGallery/images/MyImage
simulate putResource '{ "id": "'"$IMAGE_ID"'", "name": "MyImage", "type": "Microsoft.Compute/galleries/images", "location": "westus",
  "properties": { "provisioningState": "Succeeded", "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2", "architecture": "x64",
    "identifier": { "publisher": "Contoso", "offer": "MyImage", "sku": "standard" } } }'
# As somebody else does, without Sigil.
arm() { curl -sSf --cacert "$CA_CERTIFICATE" -X "$1" "$RESOURCE_MANAGER$2?api-version=2024-03-03" -H "Content-Type: application/json" -d "$3" -o /dev/null \
  -H "Authorization: Bearer $(curl -s --cacert "$CA_CERTIFICATE" -d grant_type=client_credentials -d client_id=${clientId} -d client_secret=${clientSecret} \
    -d scope=https://management.azure.com/.default "$(dirname "$TOKEN_ISSUER")/oauth2/v2.0/token" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')"; }
settle() { sigil image-version watch -e "$1" -o none >/dev/null 2>&1; }
until_shown() { until sigil image-version show -e "$1" 2>/dev/null | grep -q "$2"; do sleep 2; done; }
publish() { local version=$1; shift; sigil image-version create -e "$version" --managed-image myImage --target-regions westus eastus2 \
  --storage-account-type Standard_LRS --os-disk-set-rule '{region}DiskEncryptionSet1' --data-disk-set-rule '{region}DiskEncryptionSet2' -o none "$@"; }
`;

interface Ran {
  readonly code: number;
  readonly text: string;
}

/** Runs the steps in one shell; what each has printed, on both streams. */
async function run(steps: readonly Step[], name: string): Promise<readonly Ran[]> {
  const script = [PREAMBLE, ...steps.map(({ script }) => script)]
    .map((each) => `${each}\nprintf '${MARK}%s${MARK}' $?\n`)
    .join("")
    .replaceAll("MyImage", name);
  const file = path.join(folder, `${name}.sh`);
  await writeFile(file, `exec 2>&1\n${script}`);
  const child = spawn("bash", [file], {
    cwd: folder,
    env: {
      PATH: `${path.dirname(process.execPath)}:${process.env["PATH"]}`,
      HOME: folder,
      NODE_EXTRA_CA_CERTS: process.env["NODE_EXTRA_CA_CERTS"],
    },
    stdio: ["ignore", "pipe", "ignore"],
    detached: true, // a group of its own, with what it starts
  });
  onTestFinished(() => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more) => (text += more));
  await new Promise((resolve) => child.once("close", resolve));
  const parts = text.split(MARK);
  return [undefined, ...steps].map((_, i) => ({
    text: parts[2 * i] ?? "",
    code: Number(parts[2 * i + 1] ?? Number.NaN),
  }));
}

const WAYS = DOCUMENTS.flatMap((file) => {
  const steps = stepsOf(file);
  return waysOf(steps).map((way) => ({ file, way: way ?? "", steps }));
}).map((each, i) => ({ ...each, name: `Image${String(i).padStart(2, "0")}` }));

test.each(WAYS)(
  "$file does what it says $way",
  async ({ steps: all, way, name }) => {
    const steps = all.filter((step) => step.way === undefined || step.way === way);
    // npm is running already.
    const typed = steps.map((step) =>
      step.script.startsWith("npm ") ? { ...step, script: "true" } : step,
    );
    const [before, ...ran] = await run(typed, name);
    expect(before?.code, before?.text).toBe(0);
    steps.forEach((step, i) => {
      const { code, text } = ran[i] ?? { code: Number.NaN, text: "" };
      const isStart = step.script.startsWith("npm ");
      const said = isStart ? `Building what is to run.\n${stack.stdout()}` : text;
      expect(step.fails ? code !== 0 : code === 0, `${step.script}\n${text}`).toBe(true);
      const expected = {
        ...step,
        ...(step.answer !== undefined && {
          answer: isStart ? step.answer : step.answer.replaceAll("MyImage", name),
        }),
      };
      if (!isAnswered(expected, said)) expect(said, step.script).toBe(expected.answer);
    });
  },
  180_000,
);

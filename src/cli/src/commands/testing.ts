/** Tests of a version: on machines that Sigil creates, and results from any other tests. */
import type { Operation, Schemas } from "@sigil/client";
import { readBodyFile } from "../body-file.js";
import type { Command } from "../command.js";
import { follow, WAIT_OPTIONS } from "../following.js";
import type { Column } from "../output.js";
import { accepted } from "./operation-columns.js";
import { IMAGE_PLACE, imageIn, VERSION_PLACE, versionIn } from "./places.js";
import { SAMPLE } from "./versions.js";

type RegionTest = Schemas["RegionTest"];

const EVIDENCE: readonly Column[] = [
  { title: "Region", of: ({ name }: RegionTest) => name },
  { title: "Result", of: ({ result }: RegionTest) => result },
  { title: "Size", of: ({ machineSize }: RegionTest) => machineSize },
  {
    title: "Proven",
    of: ({ createdTime, provenTime }: RegionTest) =>
      createdTime === undefined || provenTime === undefined
        ? ""
        : `after ${Math.round((Date.parse(provenTime) - Date.parse(createdTime)) / 1000)} s`,
  },
  {
    title: "Disks",
    of: ({ disks = [] }: RegionTest) => disks.map(diskWords),
  },
];

function diskWords({
  lun,
  encryptionType,
  diskEncryptionSetId,
}: Omit<Schemas["TestedDisk"], "id">): string {
  const disk = lun === undefined ? "OS" : `LUN ${lun}`;
  return `${disk}: ${diskEncryptionSetId?.split("/").at(-1) ?? encryptionType}`;
}

type PlannedTest = Schemas["PlannedTest"];

/** The columns of a dry run. */
const PLANNED: readonly Column[] = [
  { title: "Region", of: ({ name }: PlannedTest) => name },
  { title: "Size", of: ({ machineSize }: PlannedTest) => machineSize },
  {
    title: "Disks",
    of: ({ disks }: PlannedTest) =>
      disks.map(({ lun, diskEncryptionSetId }) =>
        diskWords({
          encryptionType: "platform key",
          ...(lun !== undefined && { lun }),
          ...(diskEncryptionSetId !== undefined && { diskEncryptionSetId }),
        }),
      ),
  },
  {
    title: "Deleted",
    of: ({ atMostMinutes }: PlannedTest) => `after ${atMostMinutes} min at most`,
  },
  {
    title: "Cost",
    of: ({ cost: { atMost, currency } }: PlannedTest) =>
      atMost === undefined ? "unknown" : `at most ${atMost.toFixed(2)} ${currency ?? ""}`,
  },
];

export const TEST: Command = {
  words: "image-version test",
  summary: "Test an image version by starting a machine from it in each region",
  description: `The test profile sets how to test: sigil test-profile show. Sigil deletes each machine afterwards. The exit code is 1 if
the version failed in a region, and 8 if it failed in none, but a region could not be tested, for example for lack of capacity.`,
  options: [
    ...VERSION_PLACE,
    {
      names: ["--regions"],
      kind: "list",
      help: "Regions to test the version in. Default: every region of the test profile in which it is usable.",
    },
    {
      names: ["--dry-run"],
      kind: "flag",
      help: "Only print what would be created, when it would be deleted at the latest, and what it would cost. Create nothing.",
    },
    ...WAIT_OPTIONS,
  ],
  columns: EVIDENCE,
  rows: (operation) => (operation as Operation).tests ?? [],
  output: "table",
  examples: [
    [
      "Test in two regions",
      `sigil image-version test ${SAMPLE} --gallery-image-version 1.0.0 --regions westus eastus2`,
    ],
    [
      "See what it would create and cost",
      `sigil image-version test ${SAMPLE} --gallery-image-version 1.0.0 --dry-run`,
    ],
  ],
  async run(context) {
    const regions = context.values.list("--regions");
    const input = {
      path: versionIn(context),
      body: { ...(regions !== undefined && { regions: [...regions] }) },
    };
    if (context.values.boolean("--dry-run")) {
      const { body } = await context.client.call("planTest", input);
      for (const { name, cost, hindrance } of body.regions) {
        context.note(`${name}: ${cost.message}`);
        if (hindrance !== undefined) context.note(`warning: none in ${name}: ${hindrance.message}`);
      }
      return {
        data: body,
        columns: PLANNED,
        rows: (plan) => (plan as Schemas["TestPlan"]).regions,
      };
    }
    const { body } = await context.client.call("testImageVersion", input);
    const operation = await follow(context, body);
    return context.values.boolean("--no-wait") ? accepted(operation) : { data: operation };
  },
};

type TestResult = Schemas["ReportedTestResult"];

export const RESULTS: readonly Column[] = [
  { title: "Region", of: ({ region }: TestResult) => region },
  { title: "Test", of: ({ name }: TestResult) => name },
  { title: "Result", of: ({ result }: TestResult) => result },
  { title: "Time", of: ({ time }: TestResult) => time },
  {
    title: "By",
    of: ({ reportedBy: by }: TestResult) => by.policy ?? by.name ?? by.source ?? by.appId,
  },
  {
    title: "Message",
    of: ({ message, link }: TestResult) => [message, link].filter(Boolean).join(" "),
  },
];

export const TEST_RESULT_COMMANDS: readonly Command[] = [
  {
    words: "test-result list",
    summary: "List the test results of an image version",
    options: VERSION_PLACE,
    columns: [
      ...RESULTS,
      {
        title: "Counts",
        of: ({ counts }: TestResult) => (counts === true ? "yes" : ""),
      },
    ],
    async run(context) {
      const { body } = await context.client.call("getTestResults", {
        path: versionIn(context),
      });
      return { data: body.value };
    },
  },
  {
    words: "test-result add",
    summary: "Report the result of a test of an image version in a region",
    description:
      "For each test and region, the last result of each reporter counts. Prints your result.",
    options: [
      ...VERSION_PLACE,
      { names: ["--name", "-n"], help: "Name of the test.", required: true },
      {
        names: ["--region"],
        help: "Region that the test ran in.",
        required: true,
      },
      {
        names: ["--result"],
        choices: ["passed", "failed", "inconclusive"],
        help: "Result: passed, failed, or inconclusive if the test could not tell.",
        required: true,
      },
      { names: ["--time"], help: "Time of the result. Default: now." },
      { names: ["--link"], help: "URL of the details: https://…." },
      { names: ["--message"], help: "The finding, in one sentence." },
    ],
    columns: RESULTS,
    examples: [
      [
        "Report the result of your own test",
        `sigil test-result add ${SAMPLE} --gallery-image-version 1.0.0 --name boot --region westus --result passed --link https://tests.example/runs/4711`,
      ],
    ],
    async run(context) {
      const { values, client } = context;
      const given = (name: "time" | "link" | "message") => {
        const value = values.text(`--${name}`);
        return value === undefined ? {} : { [name]: value };
      };
      const { body } = await client.call("reportTestResult", {
        path: versionIn(context),
        body: {
          name: values.required("--name"),
          region: values.required("--region"),
          result: values.required("--result") as TestResult["result"],
          ...given("time"),
          ...given("link"),
          ...given("message"),
        },
      });
      return { data: body };
    },
  },
];

export const TEST_PROFILE_COMMANDS: readonly Command[] = [
  {
    words: "test-profile show",
    summary: "Show the test profile of an image definition",
    options: IMAGE_PLACE,
    async run(context) {
      const { body } = await context.client.call("getTestProfile", {
        path: imageIn(context),
      });
      return { data: body };
    },
  },
  {
    words: "test-profile set",
    summary: "Set the test profile of an image definition",
    description:
      "Sigil refuses a profile unless Azure shows that its machines can be created. Requires the role ImageVersions.Admin.",
    options: [
      ...IMAGE_PLACE,
      {
        names: ["--file"],
        help: "JSON file with the profile, in the format of sigil test-profile show. Use - for standard input.",
        required: true,
      },
    ],
    async run(context) {
      const { values, client, note, io, usePlaces } = context;
      const file = await readBodyFile(values.required("--file"), io);
      usePlaces(file.placeOf);
      const { body } = await client.call("putTestProfile", {
        path: imageIn(context),
        body: file.body as unknown as Schemas["TestProfile"],
      });
      for (const { message } of body.findings) note(`warning: ${message}`);
      return { data: body.profile };
    },
  },
  {
    words: "test-profile delete",
    summary: "Delete the test profile of an image definition",
    options: IMAGE_PLACE,
    async run(context) {
      const { body } = await context.client.call("deleteTestProfile", {
        path: imageIn(context),
      });
      return { data: body };
    },
  },
];

/** Tests of a version: by machines that Sigil makes, and what anybody's tests have found. */
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

/** Of what a dry run says. */
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
  summary: "Make a machine of an image version in each region, and see it start",
  description: `The test profile says how: sigil test-profile show. Each machine is deleted afterwards. The exit code is 1 if the version
has failed in a region, and 8 if nothing speaks against it but a region could not be tested, for want of capacity say.`,
  options: [
    ...VERSION_PLACE,
    {
      names: ["--regions"],
      kind: "list",
      help: "Where to test it. Default: every region of the test profile in which the version is usable.",
    },
    {
      names: ["--dry-run"],
      kind: "flag",
      help: "Only print what would be made, when it is deleted at the latest, and what that costs; make nothing.",
    },
    ...WAIT_OPTIONS,
  ],
  columns: EVIDENCE,
  rows: (operation) => (operation as Operation).tests ?? [],
  output: "table",
  examples: [
    [
      "In two regions",
      `sigil image-version test ${SAMPLE} --gallery-image-version 1.0.0 --regions westus eastus2`,
    ],
    [
      "What it would make and cost",
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
    summary: "Report what a test has found of an image version in a region",
    description:
      "Of one test in one region the last result of each reporter counts; that one of yours is printed.",
    options: [
      ...VERSION_PLACE,
      { names: ["--name", "-n"], help: "The test's name.", required: true },
      {
        names: ["--region"],
        help: "The region that it ran in.",
        required: true,
      },
      {
        names: ["--result"],
        choices: ["passed", "failed", "inconclusive"],
        help: "passed, failed, or inconclusive: nothing was found out.",
        required: true,
      },
      { names: ["--time"], help: "When it was found. Default: now." },
      { names: ["--link"], help: "Where more is to be read: https://…." },
      { names: ["--message"], help: "What was found, in a sentence." },
    ],
    columns: RESULTS,
    examples: [
      [
        "Of your own suite",
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
    summary: "Show how the versions of an image definition are tested",
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
    summary: "Set how the versions of an image definition are tested",
    description:
      "Refused unless Azure shows that its machines can be made. It takes the role ImageVersions.Admin.",
    options: [
      ...IMAGE_PLACE,
      {
        names: ["--file"],
        help: "A JSON file with the profile, as test-profile show prints it; - is standard input.",
        required: true,
      },
    ],
    async run(context) {
      const { values, client, note, io, useFile } = context;
      const file = await readBodyFile(values.required("--file"), io);
      useFile(file);
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
    summary: "Remove an image definition's test profile",
    options: IMAGE_PLACE,
    async run(context) {
      const { body } = await context.client.call("deleteTestProfile", {
        path: imageIn(context),
      });
      return { data: body };
    },
  },
];

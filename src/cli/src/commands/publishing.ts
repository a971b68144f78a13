import type { Schemas } from "@sigil/client";
import { bodyOf, type Body } from "../az/image-version-body.js";
import { readBodyFile } from "../body-file.js";
import type { Command, Context } from "../command.js";
import { UsageError } from "../exit-codes.js";
import { FINDING_COLUMNS } from "../findings.js";
import { WAIT_OPTIONS } from "../following.js";
import { BODY_OPTIONS, FILE } from "./create-options.js";
import { IF_MATCH, IMAGE_PLACE, imageIn, VERSION, VERSION_PLACE, versionIn } from "./places.js";
import { SIGIL_OPTIONS, sigilOf } from "./sigil-options.js";
import { ended, ifMatch, NO_PLAN, SAMPLE, VERSION_COLUMNS } from "./versions.js";

export const CREATE: Command = {
  words: "image-version create",
  summary: "Create an image version, and wait until it is usable in every region",
  description: `The options are those of "az sig image-version create". The request is planned first: what Azure would refuse
hours later is refused now, with exit code 3 and what corrects it. Then it waits for every region, and
prints the version. The same command again is the same request.`,
  options: [
    ...IMAGE_PLACE,
    { ...VERSION, required: false },
    {
      names: ["--increment"],
      choices: ["patch", "minor", "major"],
      help: "Take the next number instead of --gallery-image-version.",
    },
    ...BODY_OPTIONS,
    FILE,
    ...SIGIL_OPTIONS,
    NO_PLAN,
    {
      names: ["--idempotency-key"],
      help: "Names the request: repeated with the same key, it is the same one. Default: a new one for each command.",
    },
    {
      names: ["--recreate"],
      kind: "flag",
      help: "Create a version under a number that existed and is gone.",
    },
    IF_MATCH,
    ...WAIT_OPTIONS,
  ],
  columns: VERSION_COLUMNS,
  examples: [
    [
      "From a managed image, each disk with a key of its own in each region",
      `sigil image-version create ${SAMPLE} --gallery-image-version 1.0.0 --location westus --target-regions westus=2=standard_lrs eastus2 --target-region-encryption WestUSDiskEncryptionSet1,0,WestUSDiskEncryptionSet2 EastUS2DiskEncryptionSet1,0,EastUS2DiskEncryptionSet2 --managed-image myImage`,
    ],
    [
      "From snapshots",
      `sigil image-version create ${SAMPLE} --gallery-image-version 1.0.0 --location westus --target-regions westus --os-snapshot myOSSnapshot --data-snapshot-luns 0 --data-snapshots myDDSnapshot`,
    ],
    [
      "Latest in westus once its test has passed, in eastus2 when somebody promotes it",
      `sigil image-version create ${SAMPLE} --gallery-image-version 1.0.0 --managed-image myImage --target-regions westus eastus2 --os-disk-set-rule '{region}DiskEncryptionSet1' --data-disk-set-rule '{region}DiskEncryptionSet2' --wave westus --wave eastus2:manual --promote-results boot`,
    ],
    [
      "What a file has, under the next number",
      `sigil image-version create ${SAMPLE} --increment patch --file version.json`,
    ],
  ],
  async run(context) {
    const { client, values } = context;
    const body = await requestOf(context);
    const query = values.boolean("--no-plan") ? {} : { plan: "require" as const };
    const key = values.text("--idempotency-key");
    const header = key === undefined ? {} : { "Idempotency-Key": key };
    const increment = values.text("--increment") as "patch" | undefined;
    if (increment !== undefined) {
      if (values.has("--gallery-image-version"))
        throw new UsageError(
          "--increment takes the next number: leave --gallery-image-version out.",
        );
      const { body: operation } = await client.call("createNextImageVersion", {
        path: imageIn(context),
        query: { ...query, increment },
        header,
        body,
      });
      return ended(context, operation);
    }
    const answer = await client.call("putImageVersion", {
      path: versionIn(context),
      query,
      header: {
        ...header,
        ...ifMatch(context),
        ...(values.boolean("--recreate") && { "If-None-Match": "*" as const }),
      },
      body,
    });
    if (answer.status === 200) context.note("The version is as requested already.");
    return ended(context, answer.body);
  },
};

export const PLAN: Command = {
  words: "image-version plan",
  summary: "Say what a create would meet and do, and do nothing",
  description: `Takes the options of "image-version create". Prints every rule that the request breaks, with what corrects
it; with --output json what would change and the request that would go to Azure, too. The exit code is 3
if one of the findings is an error.`,
  options: [...VERSION_PLACE, ...BODY_OPTIONS, FILE, ...SIGIL_OPTIONS],
  columns: FINDING_COLUMNS,
  rows: (plan) => (plan as Schemas["Plan"]).findings,
  none: "No findings.",
  output: "table",
  examples: [
    [
      "What is wrong with a file",
      `sigil image-version plan ${SAMPLE} --gallery-image-version 1.0.0 --file version.json`,
    ],
  ],
  async run(context) {
    const body = await requestOf(context);
    const { body: plan } = await context.client.call("planImageVersion", {
      path: versionIn(context),
      body,
    });
    const errors = plan.findings.filter(({ severity }) => severity === "error");
    const warnings = plan.findings.length - errors.length;
    context.note(
      `${errors.length} ${errors.length === 1 ? "error" : "errors"}, ${warnings} more ${warnings === 1 ? "finding" : "findings"}, ${plan.changes.length} ${plan.changes.length === 1 ? "change" : "changes"}.`,
    );
    if (plan.storage !== undefined) context.note(`Storage: ${plan.storage}`);
    if (plan.duration !== undefined) context.note(`Time: ${plan.duration}`);
    return {
      data: plan,
      findings: plan.findings,
      ...(errors.length > 0 && { outcome: "refused" as const }),
    };
  },
};

/** The body that the options or a file say. */
async function requestOf(context: Context): Promise<Body> {
  const { values, io } = context;
  const name = values.text("--file");
  const sigil = sigilOf(values);
  const withSigil = (body: Body): Body =>
    Object.keys(sigil).length === 0 ? body : { ...body, sigil: { ...body.sigil, ...sigil } };
  if (name === undefined) {
    const body = bodyOf(values, imageIn(context));
    if (!values.has("--location"))
      context.note(`Its location is ${body.location}, the first of --target-regions.`);
    return withSigil(body);
  }
  const both = BODY_OPTIONS.map(({ names }) => names[0] ?? "").filter(
    // A default location says nothing of the file's.
    (each) => each !== "--location" && values.has(each),
  );
  if (both.length > 0)
    throw new UsageError(
      `--file has the whole body: leave ${both.join(", ")} out, or write it there.`,
    );
  const file = await readBodyFile(name, io);
  context.useFile(file);
  return withSigil(file.body as unknown as Body);
}

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
  description: `Takes the options of "az sig image-version create". Plans the request first: what Azure would refuse hours later is
refused now, with exit code 3 and what would be right. Then waits for every region, and prints the version. Running the same command
again does not create a second version.`,
  options: [
    ...IMAGE_PLACE,
    { ...VERSION, required: false },
    {
      names: ["--increment"],
      choices: ["patch", "minor", "major"],
      help: "Use the next version number, instead of --gallery-image-version.",
    },
    ...BODY_OPTIONS,
    FILE,
    ...SIGIL_OPTIONS,
    NO_PLAN,
    {
      names: ["--idempotency-key"],
      help: "Key that identifies the request: sending it again with the same key has no second effect. Default: a new key for each command.",
    },
    {
      names: ["--recreate"],
      kind: "flag",
      help: "Create a version with the number of a deleted version.",
    },
    IF_MATCH,
    ...WAIT_OPTIONS,
  ],
  columns: VERSION_COLUMNS,
  examples: [
    [
      "From a managed image, with a key for each disk in each region",
      `sigil image-version create ${SAMPLE} --gallery-image-version 1.0.0 --location westus --target-regions westus=2=standard_lrs eastus2 --target-region-encryption WestUSDiskEncryptionSet1,0,WestUSDiskEncryptionSet2 EastUS2DiskEncryptionSet1,0,EastUS2DiskEncryptionSet2 --managed-image myImage`,
    ],
    [
      "From snapshots",
      `sigil image-version create ${SAMPLE} --gallery-image-version 1.0.0 --location westus --target-regions westus --os-snapshot myOSSnapshot --data-snapshot-luns 0 --data-snapshots myDDSnapshot`,
    ],
    [
      "Latest in westus when its test passes, in eastus2 when someone promotes it",
      `sigil image-version create ${SAMPLE} --gallery-image-version 1.0.0 --managed-image myImage --target-regions westus eastus2 --os-disk-set-rule '{region}DiskEncryptionSet1' --data-disk-set-rule '{region}DiskEncryptionSet2' --wave westus --wave eastus2:manual --promote-results boot`,
    ],
    [
      "From a file, with the next version number",
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
  summary: "Check a creation and show what it would do, without creating anything",
  description: `Takes the options of "image-version create". Prints every rule that the request breaks, with what would be right.
With --output json, also prints what would change and the request to Azure. The exit code is 3 if any finding is an error.`,
  options: [...VERSION_PLACE, ...BODY_OPTIONS, FILE, ...SIGIL_OPTIONS],
  columns: FINDING_COLUMNS,
  rows: (plan) => (plan as Schemas["Plan"]).findings,
  none: "No findings.",
  output: "table",
  examples: [
    [
      "Check a file",
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

/** The body from the options or a file. */
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
    // A default location does not conflict with the file's.
    (each) => each !== "--location" && values.has(each),
  );
  if (both.length > 0)
    throw new UsageError(
      `--file has the whole body: leave ${both.join(", ")} out, or write it there.`,
    );
  const file = await readBodyFile(name, io);
  context.usePlaces(file.placeOf);
  return withSigil(file.body as unknown as Body);
}

import type { Schemas } from "@sigil/client";
import type { Command } from "../command.js";
import { Ended } from "../exit-codes.js";
import { VERSION_PLACE, versionIn } from "./places.js";
import { SAMPLE } from "./versions.js";

const FORMS = ["az", "powerShell", "bicep"] as const;

interface Form {
  readonly form: string;
  readonly text: string;
}

export const MACHINE: Command = {
  words: "image-version machine",
  summary: "Show commands that create a machine from an image version in a region",
  description: `Creates nothing. Prints the commands that create a virtual machine from exactly this version, with the disk encryption set
of each disk in that region and the purchase plan of the image definition. Without --form: all three forms, with warnings.`,
  options: [
    ...VERSION_PLACE,
    {
      names: ["--region"],
      help: "Region of the machine.",
      required: true,
    },
    {
      names: ["--form"],
      choices: FORMS,
      help: "Print only this form, unformatted: az for a shell, powerShell, or bicep.",
    },
    {
      names: ["--machine-name"],
      help: "Name of the machine. Default: image-test.",
    },
    {
      names: ["--machine-resource-group"],
      help: "Resource group of the machine. Default: that of the gallery.",
    },
    { names: ["--subnet"], help: "ID of the subnet of the machine." },
    {
      names: ["--size"],
      help: "Size of the machine. Default: a small size that supports the image.",
    },
  ],
  columns: [
    { title: "Form", of: ({ form }: Form) => form },
    { title: "Command", of: ({ text }: Form) => text },
  ],
  rows: (data) =>
    FORMS.flatMap((form) => {
      const text = (data as Schemas["MachineCommands"])[form];
      return text === undefined ? [] : [{ form, text }];
    }),
  examples: [
    [
      "The command for az",
      `sigil image-version machine ${SAMPLE} --gallery-image-version 1.0.0 --region westus --form az`,
    ],
  ],
  async run(context) {
    const { values, client, io, note } = context;
    const query = Object.fromEntries(
      (
        [
          ["name", "--machine-name"],
          ["resourceGroup", "--machine-resource-group"],
          ["subnetId", "--subnet"],
          ["size", "--size"],
        ] as const
      ).flatMap(([name, option]) => {
        const value = values.text(option);
        return value === undefined ? [] : [[name, value]];
      }),
    );
    const { body } = await client.call("getMachineCommands", {
      path: versionIn(context),
      query: { region: values.required("--region"), ...query },
    });
    const form = FORMS.find((one) => one === values.text("--form"));
    if (form === undefined) return { data: body };
    const text = body[form];
    for (const { message, remediation } of body.warnings)
      note([message, remediation].filter(Boolean).join(" "));
    if (text === undefined) throw new Ended("refused", `It cannot be expressed in ${form}.`);
    io.stdout.write(`${text}\n`);
    return {};
  },
};

import { expect, test } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { setInBicep } from "../../../src/image-version/rules/set-in-bicep.js";
import { bicepFor } from "../../../src/page/src/create/model/lines.js";
import { BICEP, compile, SUBSCRIPTION } from "../../support/bicep.js";

test(
  "the Bicep that the page gives for a missing set compiles, whatever the set is called",
  needs("bicep", BICEP),
  async () => {
    const name = "a'${evil()}\\\n'b";
    const { resources } = await compile(
      bicepFor({
        name,
        location: "westus",
        encryptionType: "EncryptionAtRestWithCustomerKey",
        subscriptionId: SUBSCRIPTION,
        resourceGroupName: "images",
      }),
    );
    expect(resources).toMatchObject([
      {
        type: "Microsoft.Compute/diskEncryptionSets",
        name,
        properties: { encryptionType: "EncryptionAtRestWithCustomerKey" },
      },
      { type: "Microsoft.Authorization/roleAssignments" },
    ]);
  },
);

test(
  "and so does what a finding gives, with the tag of a rule",
  needs("bicep", BICEP),
  async () => {
    const tags = { "a'${evil()}": "b\\\n'c" };
    const { resources } = await compile(
      setInBicep({
        name: "{name}",
        region: "westus",
        confidential: true,
        tags,
      }),
    );
    expect(resources).toMatchObject([
      {
        type: "Microsoft.Compute/diskEncryptionSets",
        tags,
        properties: {
          encryptionType: "ConfidentialVmEncryptedWithCustomerKey",
        },
      },
    ]);
  },
);

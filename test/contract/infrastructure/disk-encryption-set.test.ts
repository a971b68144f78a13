import { expect, test } from "vitest";
import { setInBicep } from "../../../src/image-version/rules/set-in-bicep.js";
import { bicepFor } from "../../../src/page/src/create/model/lines.js";
import { compile, lacksBicep, SUBSCRIPTION } from "../../support/bicep.js";

test.skipIf(lacksBicep())(
  "the Bicep that the page gives for a missing set compiles, whatever the set is called",
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

test.skipIf(lacksBicep())(
  "and so does what a finding gives, with the tag of a rule",
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

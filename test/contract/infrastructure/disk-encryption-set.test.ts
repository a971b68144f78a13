import { expect, test } from "vitest";
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

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { bicepFile } from "../../../src/machine-command/bicep.js";
import type { Machine } from "../../../src/machine-command/machine.js";
import { BICEP } from "../../support/bicep.js";
import { machine, OWN_KEYS, setId, VERSION } from "../../support/machines.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "sigil-bicep-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("the Bicep of a machine", needs("bicep", BICEP), () => {
  /** The machine in the template that the compiler makes. */
  async function compiled(made: Machine): Promise<Record<string, unknown>> {
    const file = path.join(folder, "machine.bicep");
    await writeFile(file, bicepFile(made));
    const { stderr } = await promisify(execFile)(BICEP ?? "", [
      "build",
      file,
      "--outfile",
      `${file}.json`,
    ]);
    expect(stderr).toBe("");
    const template = JSON.parse(await readFile(`${file}.json`, "utf8")) as {
      resources: Record<string, unknown>[];
    };
    return template.resources[0] ?? {};
  }

  test("compiles, without a warning, to a machine with each disk's set and the plan", async () => {
    const purchasePlan = {
      name: "it's ${x}",
      publisher: "a\\b",
      product: "o\nn",
    };
    expect(
      await compiled(
        machine(OWN_KEYS, {
          luns: [0, 7],
          definition: { purchasePlan, securityType: "TrustedLaunch" },
        }),
      ),
    ).toMatchObject({
      name: "image-test",
      location: "westus",
      plan: purchasePlan,
      properties: {
        hardwareProfile: { vmSize: "Standard_D2s_v5" },
        securityProfile: {
          securityType: "TrustedLaunch",
          uefiSettings: { secureBootEnabled: true, vTpmEnabled: true },
        },
        storageProfile: {
          imageReference: { id: VERSION },
          osDisk: {
            createOption: "FromImage",
            deleteOption: "Delete",
            managedDisk: { diskEncryptionSet: { id: setId("os") } },
          },
          dataDisks: [
            {
              lun: 0,
              managedDisk: { diskEncryptionSet: { id: setId("zero") } },
            },
            {
              lun: 7,
              managedDisk: { diskEncryptionSet: { id: setId("seven") } },
            },
          ],
        },
        osProfile: { linuxConfiguration: {} },
        networkProfile: {
          networkInterfaceConfigurations: [{ properties: { deleteOption: "Delete" } }],
        },
      },
    });
  });

  test("of a confidential Windows machine, and of a specialized image", async () => {
    const confidential = await compiled(
      machine(
        {
          osDiskImage: {
            securityProfile: {
              confidentialVMEncryptionType: "EncryptedWithCmk",
              secureVMDiskEncryptionSetId: setId("confidential"),
            },
          },
        },
        { definition: { securityType: "ConfidentialVM", osType: "Windows" } },
      ),
    );
    expect(confidential).toMatchObject({
      properties: {
        hardwareProfile: { vmSize: "Standard_DC2as_v5" },
        storageProfile: {
          osDisk: {
            managedDisk: {
              securityProfile: {
                securityEncryptionType: "DiskWithVMGuestState",
                diskEncryptionSet: { id: setId("confidential") },
              },
            },
          },
          dataDisks: [],
        },
        osProfile: { adminPassword: "[parameters('adminPassword')]" },
      },
    });
    const specialized = await compiled(
      machine(undefined, { definition: { osState: "Specialized" } }),
    );
    expect(specialized["properties"]).not.toHaveProperty("osProfile");
    expect(specialized).not.toHaveProperty("plan");
  });
});

import { describe, expect, test } from "vitest";
import type { ImageDefinition } from "../../../src/image-version/resources.js";
import { azCommand } from "../../../src/machine-command/az.js";
import { bicepFile } from "../../../src/machine-command/bicep.js";
import { machineOf } from "../../../src/machine-command/machine.js";
import { powerShellCommands } from "../../../src/machine-command/power-shell.js";
import { idOf } from "../../support/dependencies.js";
import {
  DEFINITION,
  machine,
  OWN_KEYS,
  setId,
  SUBSCRIPTION,
  VERSION,
  version,
} from "../../support/machines.js";

/** Each option that az gets from a shell, with its values. */
function told(command = ""): string[][] {
  const [az, vm, create, ...words] = [...command.matchAll(/(?:'[^']*'|\\[^\n]|[^\s'\\])+/gu)].map(
    ([word]) =>
      word.replaceAll(
        /'([^']*)'|\\(.)/gu,
        (_, quoted?: string, one?: string) => quoted ?? one ?? "",
      ),
  );
  expect([az, vm, create]).toEqual(["az", "vm", "create"]);
  const options: string[][] = [];
  for (const word of words)
    if (word.startsWith("--")) options.push([word]);
    else options.at(-1)?.push(word);
  return options;
}

const PLACE = [
  ["--subscription", SUBSCRIPTION],
  ["--resource-group", "MyResourceGroup"],
  ["--name", "image-test"],
  ["--location", "westus"],
  ["--image", VERSION],
];
const PRIVATE = [
  ["--public-ip-address", ""],
  ["--os-disk-delete-option", "Delete"],
  ["--nic-delete-option", "Delete"],
];

describe("az", () => {
  test("gets each disk's set, in the order in which Azure shows the disks", () => {
    expect(told(azCommand(machine(OWN_KEYS, { luns: [7, 0] })))).toEqual([
      ...PLACE,
      ["--size", "Standard_D2s_v5"],
      ["--admin-username", "azureuser"],
      ["--generate-ssh-keys"],
      ...PRIVATE,
      ["--data-disk-delete-option", "Delete"],
      ["--os-disk-encryption-set", setId("os")],
      ["--data-disk-encryption-sets", setId("seven"), setId("zero")],
    ]);
  });

  test("is told nothing of sets where there are none", () => {
    expect(told(azCommand(machine(undefined, { luns: [0] })))).toEqual([
      ...PLACE,
      ["--size", "Standard_D2s_v5"],
      ["--admin-username", "azureuser"],
      ["--generate-ssh-keys"],
      ...PRIVATE,
      ["--data-disk-delete-option", "Delete"],
    ]);
  });

  test("cannot say that one of two data disks has a set", () => {
    const { osDiskImage, dataDiskImages } = OWN_KEYS;
    const one = { osDiskImage, dataDiskImages: dataDiskImages.slice(0, 1) };
    expect(azCommand(machine(one, { luns: [0, 7] }))).toBeUndefined();
  });

  test("cannot say the set of a confidential data disk, nor can Az.Compute; Bicep does", () => {
    const made = machine(
      {
        dataDiskImages: [
          {
            lun: 0,
            securityProfile: {
              confidentialVMEncryptionType: "DataDiskEncryptedWithCmk",
              secureVMDiskEncryptionSetId: setId("confidential"),
            },
          },
        ],
      },
      { luns: [0] },
    );
    expect(azCommand(made)).toBeUndefined();
    expect(powerShellCommands(made)).toMatch(/^# .* use Bicep\.$/u);
    expect(bicepFile(made).replace(/\s+/gu, " ")).toContain(
      `securityProfile: { securityEncryptionType: 'DataDiskEncryptedWithCustomerKey' diskEncryptionSet: { id: '${setId("confidential")}' } }`,
    );
  });

  test("asks for no user of a specialized image, and for a password on Windows", () => {
    const names = (definition: Partial<ImageDefinition>) =>
      told(azCommand(machine(undefined, { definition }))).map(([name]) => name);
    const specialized = names({ osState: "Specialized" });
    expect(specialized).toContain("--specialized");
    expect(specialized).not.toContain("--admin-username");
    const windows = names({ osType: "Windows" });
    expect(windows).toContain("--admin-username");
    expect(windows).not.toContain("--generate-ssh-keys");
  });

  test.each([
    [
      "TrustedLaunchSupported",
      { osDiskImage: { diskEncryptionSetId: setId("os") } },
      [
        ["--security-type", "TrustedLaunch"],
        ["--enable-vtpm", "true"],
        ["--enable-secure-boot", "true"],
        ["--os-disk-encryption-set", setId("os")],
      ],
    ],
    [
      "ConfidentialVM",
      {
        osDiskImage: {
          securityProfile: {
            confidentialVMEncryptionType: "EncryptedWithCmk",
            secureVMDiskEncryptionSetId: setId("confidential"),
          },
        },
      },
      [
        ["--security-type", "ConfidentialVM"],
        ["--enable-vtpm", "true"],
        ["--enable-secure-boot", "true"],
        ["--os-disk-security-encryption-type", "DiskWithVMGuestState"],
        ["--os-disk-secure-vm-disk-encryption-set", setId("confidential")],
      ],
    ],
    [
      "ConfidentialVM",
      undefined,
      [
        ["--security-type", "ConfidentialVM"],
        ["--enable-vtpm", "true"],
        ["--enable-secure-boot", "true"],
        ["--os-disk-security-encryption-type", "VMGuestStateOnly"],
      ],
    ],
    ["ConfidentialVMSupported", undefined, []],
  ])(
    "makes of an image for %s what its version is encrypted for: %j",
    (securityType, encryption, expected) => {
      const options = told(azCommand(machine(encryption, { definition: { securityType } })));
      expect(
        options.filter(([name]) => /security|secure|vtpm|encryption/u.test(name ?? "")),
      ).toEqual(expected);
    },
  );

  test("gets the purchase plan as it is, whatever it holds", () => {
    const purchasePlan = {
      name: "$(touch here)",
      publisher: "it's `id`",
      product: 'a "b"\n; c \\',
    };
    const options = told(azCommand(machine(undefined, { definition: { purchasePlan } })));
    expect(options.slice(-3)).toEqual([
      ["--plan-name", purchasePlan.name],
      ["--plan-publisher", purchasePlan.publisher],
      ["--plan-product", purchasePlan.product],
    ]);
  });

  test("gets what the caller has chosen, and a size that the image can run on", () => {
    const subnetId = "/subscriptions/x/subnets/y";
    const chosen = told(
      azCommand(
        machine(undefined, {
          choice: { name: "it", machineSize: "Standard_E2s_v5", subnetId },
        }),
      ),
    );
    expect(chosen).toEqual(
      expect.arrayContaining([
        ["--name", "it"],
        ["--size", "Standard_E2s_v5"],
        ["--subnet", subnetId],
      ]),
    );
    expect(
      told(azCommand(machine(undefined, { definition: { architecture: "Arm64" } }))),
    ).toContainEqual(["--size", "Standard_D2ps_v5"]);
  });
});

test("a version that is not in the region makes no machine there", () => {
  expect(
    machineOf(idOf(VERSION), version(undefined), DEFINITION, "northeurope", {}),
  ).toBeUndefined();
});

test("PowerShell gets the same", () => {
  const { osDiskImage, dataDiskImages } = OWN_KEYS;
  const one = { osDiskImage, dataDiskImages: dataDiskImages.slice(0, 1) };
  const purchasePlan = { name: "it's", publisher: "p", product: "o" };
  expect(
    powerShellCommands(
      machine(one, {
        luns: [0, 7],
        definition: { purchasePlan, securityType: "TrustedLaunch" },
      }),
    ).split("\n"),
  ).toEqual([
    `Set-AzContext -Subscription '${SUBSCRIPTION}'`,
    "$subnetId = Read-Host 'The id of a subnet'",
    "$vm = New-AzVMConfig -VMName 'image-test' -VMSize 'Standard_D2s_v5' -SecurityType 'TrustedLaunch'",
    "$vm = Set-AzVMUefi -VM $vm -EnableVtpm $true -EnableSecureBoot $true",
    "$vm = Set-AzVMOperatingSystem -VM $vm -Linux -ComputerName 'image-test' -Credential (Get-Credential)",
    `$vm = Set-AzVMSourceImage -VM $vm -Id '${VERSION}'`,
    `$vm = Set-AzVMOSDisk -VM $vm -Linux -CreateOption FromImage -DeleteOption Delete -DiskEncryptionSetId '${setId("os")}'`,
    `$vm = Add-AzVMDataDisk -VM $vm -Lun 0 -CreateOption FromImage -DeleteOption Delete -DiskEncryptionSetId '${setId("zero")}'`,
    "$vm = Add-AzVMDataDisk -VM $vm -Lun 7 -CreateOption FromImage -DeleteOption Delete",
    "$vm = Set-AzVMPlan -VM $vm -Name 'it''s' -Publisher 'p' -Product 'o'",
    "$nic = New-AzNetworkInterface -Name 'image-test-nic' -ResourceGroupName 'MyResourceGroup' -Location 'westus' -SubnetId $subnetId",
    "$vm = Add-AzVMNetworkInterface -VM $vm -Id $nic.Id -DeleteOption Delete",
    "New-AzVM -ResourceGroupName 'MyResourceGroup' -Location 'westus' -VM $vm",
  ]);
});

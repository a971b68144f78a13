import { bicepString } from "../shell-words.js";
import type { DiskPlan } from "../machine-test/machine.js";
import type { Machine } from "./machine.js";

/** A Bicep expression that is not a literal. */
interface Expression {
  readonly expression: string;
}

type Value =
  | string
  | number
  | boolean
  | Expression
  | readonly Value[]
  | { readonly [name: string]: Value | undefined };

/** A Bicep file for a deployment to the resource group. Unknown values become parameters. */
export function bicepFile(machine: Machine): string {
  const { isSpecialized, osType } = machine;
  const secret = osType === "Linux" ? "adminPublicKey" : "adminPassword";
  return [
    `param subnetId string${machine.subnetId === undefined ? "" : ` = ${bicepString(machine.subnetId)}`}`,
    ...(isSpecialized
      ? []
      : [
          "param adminUsername string = 'azureuser'",
          ...(osType === "Windows" ? ["@secure()"] : []),
          `param ${secret} string`,
        ]),
    "",
    `resource machine 'Microsoft.Compute/virtualMachines@2024-07-01' = ${written(resourceOf(machine), "")}`,
    "",
  ].join("\n");
}

function resourceOf(machine: Machine): Value {
  const { name, purchasePlan, securityType } = machine;
  return {
    name,
    location: machine.region,
    plan: purchasePlan && { ...purchasePlan },
    properties: {
      hardwareProfile: { vmSize: machine.size },
      securityProfile:
        securityType === undefined
          ? undefined
          : {
              securityType,
              uefiSettings: { secureBootEnabled: true, vTpmEnabled: true },
            },
      storageProfile: {
        imageReference: { id: machine.imageVersionId },
        osDisk: {
          createOption: "FromImage",
          deleteOption: "Delete",
          managedDisk: managedDisk(machine.osDisk),
        },
        dataDisks: machine.dataDisks.map((disk) => ({
          lun: disk.lun,
          createOption: "FromImage",
          deleteOption: "Delete",
          managedDisk: managedDisk(disk),
        })),
      },
      osProfile: machine.isSpecialized ? undefined : osProfileOf(machine),
      networkProfile: {
        networkApiVersion: "2022-11-01",
        networkInterfaceConfigurations: [
          {
            name: `${name}-nic`,
            properties: {
              primary: true,
              deleteOption: "Delete",
              ipConfigurations: [
                {
                  name: "internal",
                  properties: { subnet: { id: { expression: "subnetId" } } },
                },
              ],
            },
          },
        ],
      },
    },
  };
}

function osProfileOf({ name, osType }: Machine): Value {
  const adminUsername = { expression: "adminUsername" };
  return osType === "Windows"
    ? {
        computerName: name,
        adminUsername,
        adminPassword: { expression: "adminPassword" },
      }
    : {
        computerName: name,
        adminUsername,
        linuxConfiguration: {
          disablePasswordAuthentication: true,
          ssh: {
            publicKeys: [
              {
                path: {
                  expression: "'/home/${adminUsername}/.ssh/authorized_keys'",
                },
                keyData: { expression: "adminPublicKey" },
              },
            ],
          },
        },
      };
}

function managedDisk({ confidential, diskEncryptionSetId: set }: DiskPlan): Value | undefined {
  if (confidential !== undefined)
    return {
      securityProfile: {
        securityEncryptionType: confidential,
        diskEncryptionSet: idOf(set),
      },
    };
  return set === undefined ? undefined : { diskEncryptionSet: idOf(set) };
}

function idOf(setId: string | undefined): Value | undefined {
  return setId === undefined ? undefined : { id: setId };
}

function written(value: Value, indent: string): string {
  const deeper = `${indent}  `;
  const block = (open: string, lines: readonly string[], close: string) =>
    lines.length === 0
      ? `${open}${close}`
      : [open, ...lines.map((line) => deeper + line), indent + close].join("\n");
  if (typeof value === "string") return bicepString(value);
  if (typeof value !== "object") return String(value);
  if (isList(value))
    return block(
      "[",
      value.map((item) => written(item, deeper)),
      "]",
    );
  if (isExpression(value)) return value.expression;
  return block(
    "{",
    Object.entries(value).flatMap(([name, member]) =>
      member === undefined ? [] : [`${name}: ${written(member, deeper)}`],
    ),
    "}",
  );
}

function isList(value: object): value is readonly Value[] {
  return Array.isArray(value);
}

function isExpression(value: object): value is Expression {
  return "expression" in value;
}

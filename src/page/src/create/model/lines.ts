/**
 * The same request as a command or a file. Every value is quoted, because anybody may have written
 * it.
 */
import type { Schemas } from "@sigil/client";
import { shellWord } from "../../command-line.js";
import { canonicalRegion } from "../../geography.js";
import { bodyOf } from "./body.js";
import {
  BLOCK_DELETION,
  END_OF_LIFE,
  isExcluded,
  lunsOf,
  OS_DISK,
  promoteWhen,
  ruleOf,
  textAt,
  type Body,
  type Form,
} from "./form.js";
import { at, objectIn, textIn, type Json } from "./json.js";
import { patternOf, typesFor, type Gap } from "./sets.js";
import type { ImageName } from "../../routes.js";

function quoteBicep(text: string): string {
  const escaped = text
    .replaceAll("\\", "\\\\")
    .replaceAll("'", "\\'")
    .replaceAll("${", "\\${")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r");
  return `'${escaped}'`;
}

export type Request =
  RequestOf<"PUT" | "POST", Body> | RequestOf<"PATCH", Schemas["GalleryImageVersionPatch"]>;

interface RequestOf<Method, Content> {
  readonly method: Method;
  /** Path and query, from `/api` on. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Content;
}

export function curlLine(origin: string, request: Request): string {
  const headers = {
    "Content-Type": "application/json",
    ...request.headers,
  };
  return [
    `curl --request ${request.method} ${shellWord(origin + request.address)}`,
    `  --header "Authorization: Bearer $TOKEN"`,
    ...Object.entries(headers).map(
      ([name, value]) => `  --header ${shellWord(`${name}: ${value}`)}`,
    ),
    `  --data ${shellWord(JSON.stringify(request.body))}`,
  ].join(" \\\n");
}

interface CommandLine {
  readonly text: string;
  /** False where az has no option for something that `sigil` has. */
  readonly az: boolean;
  /** True if the body is in a file, because no options can express all of it. */
  readonly file: boolean;
}

/** The `az sig` command, or the `sigil` command if az cannot express it. */
export function commandLine(image: ImageName, form: Form): CommandLine {
  const place = [
    ["--subscription", image.subscriptionId],
    ["--resource-group", image.resourceGroupName],
    ["--gallery-name", image.galleryName],
    ["--gallery-image-definition", image.imageName],
  ];
  const number =
    form.version === ""
      ? [["--increment", form.increment]]
      : [["--gallery-image-version", form.version]];
  const options = fitsOptions(form) ? optionsOf(form) : undefined;
  const when = promoteWhen(form);
  const lines = [
    ...place,
    ...number,
    ...(options ?? [["--file", "version.json"]]),
    ...(options !== undefined && when !== "" ? [["--promote-when", when]] : []),
  ];
  const az =
    options !== undefined &&
    form.version !== "" &&
    when === "" &&
    !form.confidentialData &&
    ruleOptions(form).length === 0;
  return {
    az,
    file: options === undefined,
    text: [
      `${az ? "az sig" : "sigil"} image-version create`,
      ...lines.map(([option = "", ...values]) =>
        ["  " + option, ...values.map(shellWord)].join(" "),
      ),
    ].join(" \\\n"),
  };
}

/** Whether the options of az say all that the form means. */
function fitsOptions(form: Form): boolean {
  return (
    !form.exists &&
    // az names a virtual machine as Azure no longer takes it.
    form.source.kind !== "virtualMachine" &&
    form.source.kind !== "other" &&
    fitsRule(form) &&
    form.regions.length > 0 &&
    pointersOf(bodyOf(form) as unknown as Json).every(
      (pointer) => OPTIONS.test(pointer) && (form.confidentialData || !OF_OTHER_KIND.test(pointer)),
    )
  );
}

/** What of a body options say. */
const OPTIONS = new RegExp(
  `^/(?:${[
    "location|tags/.*",
    "properties/publishingProfile/(?:endOfLifeDate|excludeFromLatest)",
    "properties/publishingProfile/targetRegions/\\d+/(?:name|regionalReplicaCount|storageAccountType|encryption/.*)",
    "properties/safetyProfile/blockDeletionBeforeEndOfLife",
    "properties/storageProfile/(?:source/id|(?:osDiskImage|dataDiskImages/\\d+)/(?:lun|source/.*))",
    "sigil/(?:encryption/.*|promotion/when)",
  ].join("|")})$`,
  "su",
);
/** A data disk's, unless all of them are of confidential machines. */
const OF_OTHER_KIND = /\/dataDiskImages\/\d+\/securityProfile\//u;

/** Of each value that is no object and no list. */
function pointersOf(value: Json, pointer = ""): readonly string[] {
  const members = Object.entries(typeof value === "object" && value !== null ? value : {});
  return members.length === 0
    ? [pointer]
    : members.flatMap(([name, member]) => pointersOf(member, `${pointer}/${name}`));
}

/** Options give sets to every disk, or leave them all to the rule. */
function fitsRule(form: Form): boolean {
  return (
    ruleOptions(form).length === 0 ||
    (form.encryption !== "confidential" &&
      form.regions.every(({ sets }) => Object.values(sets).every((id) => !id)))
  );
}

function ruleOptions(form: Form): readonly (readonly string[])[] {
  if (form.encryption === "platform") return [];
  const rule = ruleOf(form);
  return [
    ["--os-disk-set-rule", rule.osDisk.trim()],
    ["--data-disk-set-rule", rule.dataDisks.trim()],
    ["--disk-set-tag", rule.tag.trim()],
  ].filter(([, value]) => value !== "");
}

function optionsOf(form: Form): readonly (readonly string[])[] {
  const { regions, source } = form;
  const byDisk = source.kind === "disks";
  const dataDisks = source.dataDisks;
  const date = textAt(form, END_OF_LIFE);
  const tags = Object.keys(objectIn(form.body, "tags"));
  return [
    ["--location", textAt(form, "/location") || (regions[0]?.name ?? "")],
    [
      "--target-regions",
      ...regions.map(({ name, replicas, storage }) =>
        [canonicalRegion(name), replicas.trim(), storage.toLowerCase()]
          .filter((part) => part !== "")
          .join("="),
      ),
    ],
    ...(ruleOptions(form).length > 0 ? ruleOptions(form) : encryptionOptions(form)),
    ...(source.kind === "managedImage" ? [["--managed-image", source.id]] : []),
    ...(source.kind === "imageVersion" ? [["--image-version", source.id]] : []),
    ...(byDisk ? [["--os-snapshot", source.osDisk]] : []),
    ...(byDisk && dataDisks.length > 0
      ? [
          ["--data-snapshot-luns", ...dataDisks.map(({ lun }) => lun)],
          ["--data-snapshots", ...dataDisks.map((disk) => disk.source)],
        ]
      : []),
    ...(source.kind === "vhd" ? vhdOptions(source) : []),
    ...(isExcluded(form) ? [["--exclude-from-latest", "true"]] : []),
    ...(date === "" ? [] : [["--end-of-life-date", withTime(date)]]),
    ...(at(form.body, BLOCK_DELETION) === true
      ? [["--block-deletion-before-end-of-life", "true"]]
      : []),
    ...(tags.length > 0
      ? [["--tags", ...tags.map((name) => `${name}=${textIn(form.body["tags"], name)}`)]]
      : []),
  ];
}

function vhdOptions({
  account,
  osDisk,
  dataDisks,
}: Form["source"]): readonly (readonly string[])[] {
  return [
    ["--os-vhd-uri", osDisk],
    ["--os-vhd-storage-account", account],
    ...(dataDisks.length > 0
      ? [
          ["--data-vhds-luns", ...dataDisks.map(({ lun }) => lun)],
          ["--data-vhds-uris", ...dataDisks.map((disk) => disk.source)],
          ["--data-vhds-storage-accounts", ...dataDisks.map(() => account)],
        ]
      : []),
  ];
}

/** az reads a date without a time as noon, so midnight is explicit. */
function withTime(date: string): string {
  return /t/iu.test(date) ? date : `${date}T00:00:00Z`;
}

function encryptionOptions(form: Form): readonly (readonly string[])[] {
  const { encryption, confidentialType, confidentialData, regions } = form;
  if (encryption === "platform") return [];
  const set = (id: string | undefined): string => (id ? id : "null");
  const luns = lunsOf(form);
  const confidential = encryption === "confidential";
  const atRest = regions.map(({ sets }) =>
    [
      confidential ? "null" : set(sets[OS_DISK]),
      ...luns.flatMap((lun) => [String(lun), set(sets[lun])]),
    ].join(","),
  );
  return [
    ...(confidential && (luns.length === 0 || confidentialData)
      ? []
      : [["--target-region-encryption", ...atRest]]),
    ...(confidential
      ? [
          [
            "--target-region-cvm-encryption",
            ...regions.map(({ sets }) =>
              [
                confidentialType,
                ...(confidentialType === "EncryptedWithCmk"
                  ? [set(sets[OS_DISK])]
                  : confidentialData
                    ? [""]
                    : []),
                ...(confidentialData ? luns.flatMap((lun) => [String(lun), set(sets[lun])]) : []),
              ].join(","),
            ),
          ],
        ]
      : []),
  ];
}

/** A set that is missing, as it could be made. */
interface MissingSet {
  readonly name: string;
  readonly location: string;
  readonly encryptionType: string;
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
}

/**
 * The sets to create for gaps in the table: one for each region and type, unless a name is
 * required.
 */
export function missingSets(
  gaps: readonly Gap[],
  form: Form,
  { subscriptionId, resourceGroupName }: ImageName,
): readonly MissingSet[] {
  const made = new Map<string, MissingSet>();
  for (const { region, disk, name } of gaps) {
    const location = canonicalRegion(region.name);
    const [encryptionType] = typesFor(form, disk);
    if (encryptionType === undefined) continue;
    const set = {
      name: name ?? exampleName(form, location, disk, encryptionType),
      location,
      encryptionType,
      subscriptionId,
      resourceGroupName,
    };
    const key = `${set.name.toLowerCase()}/${location}`;
    if (!made.has(key)) made.set(key, set);
  }
  return [...made.values()];
}

/** Follows the names of the other regions' sets, if they have a pattern. */
function exampleName(form: Form, location: string, disk: string, encryptionType: string): string {
  const pattern = form.regions
    .map(({ name, sets }) => patternOf(sets[disk] ?? "", name))
    .find((each) => each !== undefined);
  if (pattern !== undefined) return pattern.replaceAll("{region}", () => location);
  return encryptionType === "ConfidentialVmEncryptedWithCustomerKey"
    ? `${location}-confidential`
    : `${location}-images`;
}

export function azLinesFor(set: MissingSet): string {
  const group = shellWord(set.resourceGroupName);
  const name = shellWord(set.name);
  const subscription = shellWord(set.subscriptionId);
  const key =
    set.encryptionType === "ConfidentialVmEncryptedWithCustomerKey"
      ? "an exportable RSA-HSM key with a release policy, in a Premium vault"
      : "a key in a vault";
  return `# VAULT and KEY name ${key} of the same region, with purge protection.
KEY_URL=$(az keyvault key show --vault-name "$VAULT" --name "$KEY" --query key.kid --output tsv)
az disk-encryption-set create --subscription ${subscription} --resource-group ${group} --name ${name} \\
  --location ${shellWord(set.location)} --encryption-type ${shellWord(set.encryptionType)} \\
  --key-url "$KEY_URL" --enable-auto-key-rotation true --mi-system-assigned true
PRINCIPAL=$(az disk-encryption-set show --subscription ${subscription} --resource-group ${group} --name ${name} --query identity.principalId --output tsv)
az role assignment create --assignee-object-id "$PRINCIPAL" --assignee-principal-type ServicePrincipal \\
  --role "Key Vault Crypto Service Encryption User" --scope "$(az keyvault show --name "$VAULT" --query id --output tsv)"`;
}

export function bicepFor(set: MissingSet): string {
  return `param keyUrl string // of a key in a vault of the same region, with purge protection
param vaultName string

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource set 'Microsoft.Compute/diskEncryptionSets@2025-01-02' = {
  name: ${quoteBicep(set.name)}
  location: ${quoteBicep(set.location)}
  identity: { type: 'SystemAssigned' }
  properties: {
    encryptionType: ${quoteBicep(set.encryptionType)}
    activeKey: { keyUrl: keyUrl }
    rotationToLatestKeyVersionEnabled: true
  }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, set.id)
  scope: vault
  properties: {
    principalId: set.identity.principalId
    principalType: 'ServicePrincipal'
    // Key Vault Crypto Service Encryption User
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'e147488a-f6f5-4113-8e2d-b22465e65bf6')
  }
}`;
}

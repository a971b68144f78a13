/** The body of a PUT for a form: its body, with source and regions in their places. */
import {
  compact,
  listIn,
  numberOf,
  objectIn,
  orUndefined,
  textIn,
  without,
  type JsonObject,
} from "./json.js";
import {
  isByDisk,
  isConfidential,
  lunsOf,
  OS_DISK,
  ruleOf,
  takesSet,
  withRule,
  NO_RULE,
  type Body,
  type KeyRule,
  type Form,
  type RegionRow,
  type Source,
} from "./form.js";

/** What is not filled in is left out: the plan says what is missing. */
export function bodyOf(form: Form): Body {
  const { source } = form;
  const { body } = withRule(form, form.encryption === "platform" ? NO_RULE : trimmed(ruleOf(form)));
  const properties = objectIn(body, "properties");
  const location = textIn(body, "location") || (form.regions[0]?.name ?? "");
  return compact({
    ...body,
    location: location.trim() || undefined,
    properties: {
      ...compact({
        ...properties,
        publishingProfile: compact({
          ...objectIn(properties, "publishingProfile"),
          targetRegions: orUndefined(form.regions.map((region) => regionOf(form, region))),
        }),
        storageProfile: form.exists
          ? undefined
          : storageOf(source, objectIn(properties, "storageProfile")),
      }),
    },
  }) as unknown as Body;
}

function trimmed({ osDisk, dataDisks, tag }: KeyRule): KeyRule {
  return { osDisk: osDisk.trim(), dataDisks: dataDisks.trim(), tag: tag.trim() };
}

function storageOf(source: Source, kept: JsonObject): JsonObject {
  if (source.kind === "other") return kept;
  // Such as caching, which a body may set with any source.
  const osDisk = without(objectIn(kept, "osDiskImage"), "source");
  const dataDisks = listIn(kept, "dataDiskImages").map((disk) => without(disk, "source"));
  const id = source.id.trim() || undefined;
  if (!isByDisk(source.kind))
    return compact({
      source: compact(source.kind === "virtualMachine" ? { virtualMachineId: id } : { id }),
      osDiskImage: osDisk,
      dataDiskImages: orUndefined(dataDisks.filter((disk) => Object.keys(disk).length > 1)),
    });
  return compact({
    osDiskImage: compact({
      ...osDisk,
      source: diskSource(source, source.osDisk),
    }),
    dataDiskImages: orUndefined(
      source.dataDisks.map(({ lun, source: disk }) =>
        compact({
          ...dataDisks.find((each) => textIn(each, "lun") === lun),
          lun: numberOf(lun),
          source: diskSource(source, disk),
        }),
      ),
    ),
  });
}

function diskSource({ kind, account }: Source, text: string): JsonObject {
  const named = text.trim() || undefined;
  return compact(
    kind === "vhd" ? { storageAccountId: account.trim() || undefined, uri: named } : { id: named },
  );
}

function regionOf(form: Form, region: RegionRow): JsonObject {
  return compact({
    ...region.given,
    name: region.name.trim(),
    regionalReplicaCount: numberOf(region.replicas),
    storageAccountType: region.storage || undefined,
    excludeFromLatest: region.exclude || undefined,
    encryption: encryptionOf(form, region),
  });
}

/** A disk without a set is named without one, so that what is found of it has a place. */
function encryptionOf(form: Form, region: RegionRow): JsonObject {
  const { encryption, confidentialType } = form;
  if (encryption === "platform") return {};
  const given = objectIn(region.given, "encryption");
  const osDisk = objectIn(given, "osDiskImage");
  const os = takesSet(form, OS_DISK) ? region.sets[OS_DISK] || undefined : undefined;
  return compact({
    osDiskImage:
      encryption === "confidential"
        ? compact({
            ...osDisk,
            securityProfile: compact({
              confidentialVMEncryptionType: confidentialType,
              secureVMDiskEncryptionSetId: os,
            }),
          })
        : compact({ ...without(osDisk, "securityProfile"), diskEncryptionSetId: os }),
    dataDiskImages: orUndefined(
      lunsOf(form).map((lun) => {
        const set = region.sets[lun] || undefined;
        const kept = listIn(given, "dataDiskImages").find((disk) => disk["lun"] === lun);
        return isConfidential(form, String(lun))
          ? {
              lun,
              securityProfile: compact({
                confidentialVMEncryptionType: "DataDiskEncryptedWithCmk",
                secureVMDiskEncryptionSetId: set,
              }),
            }
          : compact({ ...kept, lun, diskEncryptionSetId: set });
      }),
    ),
  });
}

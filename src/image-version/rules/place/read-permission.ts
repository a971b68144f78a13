import {
  formatImageVersionId,
  galleryIdOf,
  imageIdOf,
  parseImageVersionId,
} from "../../../resource-id.js";
import { diskEncryptionReferences } from "../../properties/disk-encryption-references.js";
import type { Denied, Seen } from "../../../bounded-reads.js";
import { seenSources } from "../source.js";
import { sourceReferences } from "../../properties/source-references.js";
import type { Breach, GatheredRule, GatheredSubject } from "../rule.js";

export const readPermission: GatheredRule = {
  name: "read-permission",
  code: "InsufficientPermission",
  severity: "error",
  basis: { own: "Sigil cannot check what it cannot read." },
  summary:
    "Sigil's identity may read everything that the other rules check. Sigil never assumes that the rest is right.",
  check: (subject) => {
    const told = new Set<string>();
    return looks(subject).flatMap(({ pointer, id, seen }): Breach[] => {
      if (seen?.kind !== "denied") return [];
      const { action, scope } = namedIn(seen, id);
      const what = `${action} ${scope}`.toLowerCase();
      if (told.has(what)) return [];
      told.add(what);
      return [
        {
          pointer,
          message: `Sigil's identity may not perform ${action} on ${scope}, so it cannot be checked.`,
          remediation: `Grant it the role Reader there: az role assignment create --assignee {Sigil's identity} --role Reader --scope ${scope}`,
        },
      ];
    });
  },
};

interface Look {
  /** The field that names the resource; the whole request if the URL names it. */
  readonly pointer: string;
  readonly id: string;
  readonly seen: Seen<unknown> | undefined;
}

/** Everything that was read, with what named it; a resource may occur more than once. */
function looks({ id, request, gathered }: GatheredSubject): readonly Look[] {
  const byUrl = (target: string, seen: Seen<unknown>): Look => ({
    pointer: "",
    id: target,
    seen,
  });
  const inside = (pointer: string, target: string): Look => ({
    pointer,
    id: target,
    seen: gathered.sources.get(target.toLowerCase()),
  });
  const subscription = `/subscriptions/${id.subscriptionId}`;
  return [
    byUrl(subscription, gathered.regions),
    ...[...gathered.registrations.values()].map((seen) => byUrl(subscription, seen)),
    byUrl(galleryIdOf(id), gathered.gallery),
    byUrl(imageIdOf(id), gathered.imageDefinition),
    byUrl(formatImageVersionId(id), gathered.imageVersion),
    ...(gathered.deletedVersion ? [byUrl(galleryIdOf(id), gathered.deletedVersion)] : []),
    ...diskEncryptionReferences(request).map((reference) => ({
      pointer: reference.pointer,
      id: reference.diskEncryptionSetId,
      seen: gathered.diskEncryptionSets.get(reference.diskEncryptionSetId.toLowerCase()),
    })),
    ...sourceReferences(request).map((reference) => inside(reference.pointer, reference.id)),
    ...seenSources(request, gathered).flatMap(({ reference, source }) => {
      const disks = [source.osDisk, ...source.dataDisks].flatMap((disk) =>
        disk.id === undefined ? [] : [inside(reference.pointer, disk.id)],
      );
      const version = parseImageVersionId(source.id);
      if (version === undefined) return disks;
      const definition = imageIdOf(version);
      return [
        ...disks,
        {
          pointer: reference.pointer,
          id: definition,
          seen: gathered.sourceDefinitions.get(definition.toLowerCase()),
        },
      ];
    }),
  ];
}

/** ARM's refusal need not name its action and scope. */
function namedIn(
  { action, scope }: Denied,
  id: string,
): { readonly action: string; readonly scope: string } {
  return {
    action: action.includes("/") ? action : "a read",
    scope: scope.startsWith("/") ? scope : id,
  };
}

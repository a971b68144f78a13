/** What others do with ARM directly: each is a name in the journal of changes. */
import { SIGIL, type Arm } from "./arm.js";
import { bodyOf, targetRegion } from "./requests.js";
import type { Edit, Outside } from "./steps.js";

/** An edit as the body of a PATCH. */
export function patchOf({ tag, excludeFromLatest, endOfLifeDate }: Edit) {
  return {
    ...(tag && { tags: { [tag[0]]: tag[1] } }),
    ...((excludeFromLatest !== undefined || endOfLifeDate !== undefined) && {
      properties: {
        publishingProfile: {
          ...(excludeFromLatest !== undefined && { excludeFromLatest }),
          ...(endOfLifeDate !== undefined && { endOfLifeDate }),
        },
      },
    }),
  };
}

/** The facts that an edit names, and what each shall be. */
export function factsIn({
  tag,
  excludeFromLatest,
  endOfLifeDate,
}: Edit): Readonly<Record<string, string | undefined>> {
  return {
    ...(tag && { [`tag/${tag[0]}`]: tag[1] ?? undefined }),
    ...(excludeFromLatest !== undefined && {
      excluded: String(excludeFromLatest),
    }),
    ...(endOfLifeDate !== undefined && {
      endOfLife:
        endOfLifeDate === null
          ? undefined
          : new Date(endOfLifeDate).toISOString(),
    }),
  };
}

export async function changeBy(
  arm: Arm,
  version: string,
  outside: Outside,
): Promise<void> {
  const by = `others ${outside.does}`;
  const { control } = arm;
  const truth = arm.truth(version);
  switch (outside.does) {
    case "create":
      if (truth === undefined)
        await arm.send(by, version, "PUT", withoutRule(bodyOf(outside.asked)));
      return;
    case "remake":
      if (truth === undefined || arm.isNew(version)) return;
      await arm.send(by, version, "DELETE");
      arm.hurry(version);
      if (arm.truth(version) === undefined)
        await arm.send(by, version, "PUT", withoutRule(bodyOf(outside.asked)));
      return;
    case "add": {
      const shown = await arm.get(version);
      if (shown === undefined || truth?.facts[`region/${outside.region}`])
        return;
      const profile = shown.properties.publishingProfile;
      await arm.send(by, version, "PATCH", {
        properties: {
          publishingProfile: {
            targetRegions: [
              ...(profile?.targetRegions ?? []),
              targetRegion(outside.region, 1),
            ],
          },
        },
      });
      return;
    }
    case "patch":
      if (truth !== undefined)
        await arm.send(by, version, "PATCH", patchOf(outside.edit));
      return;
    case "edit":
      return arm.edit(by, version, () =>
        control.editVersion({ versionId: version, ...patchOf(outside.edit) }),
      );
    case "delete":
      if (truth !== undefined) await arm.send(by, version, "DELETE");
      return;
    case "failOperation":
      return arm.edit(by, version, () =>
        control.failOperation({
          versionId: version,
          code: "InternalExecutionError",
          message: "An internal execution error occurred.",
        }),
      );
    case "drop":
      return arm.edit(by, version, () =>
        control.dropRegion({ versionId: version, region: outside.region }),
      );
    case "dropKeys":
      return arm.edit(by, version, () =>
        control.dropEncryption({ versionId: version, region: outside.region }),
      );
    case "set":
      return arm.edit(by, version, () =>
        control.setRegionState({
          versionId: version,
          region: outside.region,
          state: outside.state,
        }),
      );
  }
}

function withoutRule({ sigil: _, ...body }: ReturnType<typeof bodyOf>) {
  return body;
}

export function isOthers({ by }: { readonly by: string }): boolean {
  return by !== SIGIL && by !== "time";
}

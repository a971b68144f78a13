import { useState } from "preact/hooks";
import { DateField } from "../create/fields.js";
import { mergePatch } from "../create/model/changes.js";
import { isObject, tagsOf, type Json, type JsonObject } from "../create/model/json.js";
import { Tags } from "../create/tags.js";
import type { VersionActionProps } from "./action.js";
import { useVersionCall, VersionDialog } from "./version-dialog.js";

/** Changes tags and end of life, and nothing else. */
export function TagsDialog(props: VersionActionProps) {
  const { version } = props;
  const { client, path, guarded } = useVersionCall(props);
  const [before] = useState(() => ({
    tags: Object.entries(version.tags ?? {}).map(([name, value]) => ({
      name,
      value,
    })),
    endOfLife: version.properties.publishingProfile.endOfLifeDate ?? "",
  }));
  const [tags, setTags] = useState<Parameters<typeof Tags>[0]["tags"]>(before.tags);
  const [endOfLife, setEndOfLife] = useState(before.endOfLife);
  const patch = mergePatch(said(before.tags, before.endOfLife), said(tags, endOfLife));
  return (
    <VersionDialog
      of={props}
      title={`Tags and end of life of ${version.name}`}
      lead="This does not change regions, replicas or latest."
      confirm="Save"
      disabled={Object.keys(patch).length === 0}
      send={() =>
        client.call("patchImageVersion", {
          path,
          query: { plan: "require" },
          header: guarded(patch),
          body: patch,
        })
      }
      sigil={["update", ...setWords(patch)]}
    >
      <Tags tags={tags} onChange={setTags} />
      <DateField
        field="end-of-life"
        label="End of life"
        value={endOfLife}
        onChange={setEndOfLife}
      />
    </VersionDialog>
  );
}

function said(tags: Parameters<typeof tagsOf>[0], endOfLife: string): JsonObject {
  return {
    tags: tagsOf(tags) ?? {},
    properties: {
      publishingProfile: endOfLife === "" ? {} : { endOfLifeDate: endOfLife },
    },
  };
}

/** As options of `sigil`: each member that is changed, and each that goes. */
function setWords(patch: JsonObject): readonly string[] {
  const leaves = (object: JsonObject, at: string): [string, Json][] =>
    Object.entries(object).flatMap(([name, value]): [string, Json][] =>
      isObject(value) ? leaves(value, `${at}${name}.`) : [[`${at}${name}`, value]],
    );
  return leaves(patch, "").flatMap(([path, value]) => {
    const name = path.replace(/^properties\./u, "");
    return value === null
      ? ["--remove", name]
      : ["--set", `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`];
  });
}

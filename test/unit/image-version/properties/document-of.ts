import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";

type Json = Record<string, unknown>;

export const PROFILE = "/properties/publishingProfile";
export const REGIONS = `${PROFILE}/targetRegions`;
export const ZONES = `${PROFILE}/targetExtendedLocations`;
export const STORAGE = "/properties/storageProfile";
export const SAFETY = "/properties/safetyProfile";
export const COMPUTE =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute";

/** Lists whose items have keys, by the last member of their path, and a new item for a key. */
const LISTS: Readonly<Record<string, (key: string) => Json>> = {
  targetRegions: (name) => ({ name }),
  targetExtendedLocations: (key) => {
    const [name = "", zone = ""] = key.split(/ (.*)/u);
    return { name, extendedLocation: { name: zone } };
  },
  dataDiskImages: (lun) => ({ lun: Number(lun) }),
};

/** The document that has these fields: what `fieldsOf` takes apart, put together by other means. */
export function documentOf(fields: Readonly<Record<string, unknown>>): ImageVersionRequest {
  const document: Json = { properties: {} };
  for (const [name, value] of Object.entries(fields)) {
    const parts = name
      .slice(1)
      .split("/")
      .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    let place = document;
    let list: ((key: string) => Json) | undefined;
    let items: Json[] = [];
    parts.forEach((part, i) => {
      if (list !== undefined) {
        const fresh = list(part);
        const known = items.find((item) =>
          Object.entries(fresh).every(
            ([member, its]) =>
              JSON.stringify(item[member]).replace(/,"type":.*\}$/u, "}") === JSON.stringify(its),
          ),
        );
        if (known === undefined) items.push(fresh);
        place = known ?? fresh;
        list = undefined;
      } else if (i === parts.length - 1) place[part] = value;
      else if (part === "builtFrom") {
        // Its items are texts.
        place[part] = [value];
        place = {};
      } else if (LISTS[part] !== undefined) {
        list = LISTS[part];
        items = (place[part] ??= []) as Json[];
      } else place = (place[part] ??= {}) as Json;
    });
  }
  return document as unknown as ImageVersionRequest;
}

/** The field of a target region. */
export function regionalField(region: string, field: string): string {
  return `${REGIONS}/${region}/${field}`;
}

export function resource(path: string): string {
  return `${COMPUTE}/${path}`;
}

import { describe, expect, it } from "vitest";
import { askedOf } from "../../../../src/image-version/commands/asked.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import { END_OF_LIFE_DATE } from "../../../../src/image-version/properties/table.js";
import type { Look } from "../../../../src/image-version/resources.js";
import { managedImageRequest } from "../../../support/requests.js";
import { accepted, COMPLETED, lookOf, succeeded } from "../../../support/transitions.js";

const EARLY = "2030-01-01T00:00:00.000Z";
const LATE = "2031-01-01T00:00:00.000Z";
const bodyWith = (
  profile: ImageVersionRequest["properties"]["publishingProfile"] = {},
): ImageVersionRequest => {
  const { properties, ...body } = managedImageRequest();
  return canonicalForm({
    ...body,
    properties: {
      ...properties,
      publishingProfile: { ...properties.publishingProfile, ...profile },
    },
  });
};
const asked = (
  body: ImageVersionRequest,
  look: Look | undefined,
  { seen = true, ifMatch = "", record = succeeded().record } = {},
) =>
  askedOf(
    {
      command: ifMatch === "" ? {} : { ifMatch },
      body,
      removeRegions: [],
      glance: { look, seen },
    },
    record,
  );

describe("a whole body asks (1)", () => {
  it("nothing of what Azure shows", () => {
    const { patch } = asked(bodyWith(), lookOf("Succeeded", COMPLETED));
    expect(patch).toEqual({});
  });

  it("of a region that is to come all, also what silence would mean", () => {
    const [home] = bodyWith().properties.publishingProfile?.targetRegions ?? [];
    const west = { name: "westus2", regionalReplicaCount: 1 };
    const body = bodyWith({ targetRegions: [...(home ? [home] : []), west] });
    const { patch } = asked(body, lookOf("Succeeded", COMPLETED));
    expect(patch).toEqual({
      [`${regionField("westus2")}/name`]: "westus2",
      [`${regionField("westus2")}/regionalReplicaCount`]: 1,
    });
  });

  it.each([
    ["a look is none of this moment", false, "Succeeded"],
    ["ARM works on the version", true, "Updating"],
  ])("all that can change where %s", (_, seen, state) => {
    const { patch } = asked(bodyWith(), lookOf(state, COMPLETED), { seen });
    const fields = Object.keys(patch).map((field) => field.split("/").at(-1));
    expect([...new Set(fields)]).toEqual(["regionalReplicaCount"]);
  });
});

it.each([
  ["is none of this moment", false, "Succeeded", { "/tags/team": null }],
  ["is of ARM at work", true, "Updating", { "/tags/team": null }],
  ["is a fact", true, "Succeeded", {}],
])(
  "a patch asks all that it says, done or not, unless that is certain: the look %s (1)",
  (_, seen, state, all) => {
    const look = lookOf(state, COMPLETED);
    const { patch } = askedOf(
      {
        command: {},
        body: canonicalForm(look.resource),
        removeRegions: [],
        patch: { tags: { team: null } },
        glance: { look, seen },
      },
      succeeded().record,
    );
    expect(patch).toEqual(all);
  },
);

describe("an end of life is not brought forward (3)", () => {
  const of = (shown: string | undefined, said: string, ifMatch?: string) => {
    const changes = shown === undefined ? {} : { [END_OF_LIFE_DATE]: shown };
    const look = lookOf("Succeeded", COMPLETED, { changes });
    const body = bodyWith({ endOfLifeDate: said });
    const { patch, stays } = asked(body, look, ifMatch ? { ifMatch } : {});
    return [patch[END_OF_LIFE_DATE], stays.map(({ code }) => code)];
  };

  it.each([
    [LATE, EARLY],
    [undefined, EARLY],
  ])("from %s to %s, which is told", (shown, said) => {
    expect(of(shown, said)).toEqual([undefined, ["EndOfLifeStays"]]);
  });

  it("but put off, or brought forward by who has seen it", () => {
    expect(of(EARLY, LATE)).toEqual([LATE, []]);
    expect(of(LATE, EARLY, '"etag"')).toEqual([EARLY, []]);
  });
});

it("a creation says nothing of latest where another creates the version, and is told what stays (3)", () => {
  const body = bodyWith({ excludeFromLatest: true });
  const { record } = accepted();
  expect(asked(body, undefined, { record })).toMatchObject({
    stays: [
      {
        code: "StaysIncluded",
        message: expect.stringMatching(/^The version is in latest in westus, eastus2, /u) as string,
      },
    ],
  });
  expect(asked(body, undefined, { record })).not.toHaveProperty("release");
  expect(asked(body, undefined).release).toMatchObject({ kind: "set" });
});

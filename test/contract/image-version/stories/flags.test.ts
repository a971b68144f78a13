/** Wherever it is asked in which regions a version is the latest, the answer is the one that Azure acts by. */
import { expect, test } from "vitest";
import { listImageVersions } from "../../../../src/image-version/queries/get.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  byHand,
  ended,
  newDefinition,
  outside,
  plain,
  seen,
  toldOfChanges,
} from "../truth/support.js";

let world: InProcess;
inOwnWorld({ replicationMs: 10_000, spread: 0 }, (given) => {
  world = given;
});

const FLAGS = [undefined, false, true];
const ROWS = FLAGS.flatMap((version) =>
  FLAGS.flatMap((westus) => FLAGS.map((eastus2) => ({ version, westus, eastus2 }))),
);

const flag = (excludeFromLatest: boolean | undefined): object =>
  excludeFromLatest === undefined ? {} : { excludeFromLatest };

test.each(ROWS)(
  "T: a version that says $version, in westus $westus, in eastus2 $eastus2",
  async ({ version, westus, eastus2 }) => {
    const image = await newDefinition(world);
    const id = `${image}/versions/1.0.0`;
    await outside(
      world,
      "PUT",
      id,
      plain(
        [
          { name: "westus", ...flag(westus) },
          { name: "eastus2", ...flag(eastus2) },
        ],
        { publishing: flag(version) },
      ),
    );
    world.clock.advance(3_600_000);
    // The region's own flag takes precedence over the version's.
    const regions = [
      ...((eastus2 ?? version ?? false) ? [] : ["eastus2"]),
      ...((westus ?? version ?? false) ? [] : ["westus"]),
    ];

    const { sigil } = await seen(world, id);
    expect(sigil.latestIn).toEqual(regions);
    expect(sigil.latest).toBe(regions.length > 0);
    const { value } = await listImageVersions(world.deps, image, 10, undefined);
    expect(value.map((listed) => listed.latestIn)).toEqual([regions]);

    await ended(world, [await byHand.promote(world, id)]);
    world.clock.advance(3_600_000);
    // A promotion leaves out what a request holds back, unless that would be all.
    const promoted = regions.length === 0 ? ["eastus2", "westus"] : regions;
    const { control } = world.simulator;
    await control.setExclusionReading("regionFirst");
    for (const region of ["westus", "eastus2"])
      expect(control.latest({ imageId: image, region })).toBe(
        promoted.includes(region) ? "1.0.0" : null,
      );
    expect((await seen(world, id)).sigil.latestIn).toEqual(promoted);
    expect(await toldOfChanges(world, id)).toEqual(
      regions.length === 0 ? ["Sigil.ImageVersion.Promoted"] : [],
    );
  },
);

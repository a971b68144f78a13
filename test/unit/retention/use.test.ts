/** Whom an evaluation asks: once, however many versions there are. */
import { expect, test } from "vitest";
import type { Dependencies } from "../../../src/image-version/ports.js";
import type { ImageNames } from "../../../src/image-use/names.js";
import type { Decision, RetainedVersion } from "../../../src/retention/decide.js";
import { withoutNeeded } from "../../../src/retention/use.js";

const SUBSCRIPTION = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const idOf = (number: number): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/G/providers/Microsoft.Compute/galleries/Gallery/images/Image/versions/1.0.${number}`;

/** All to be deleted. */
function decisions(count: number): readonly Decision[] {
  return Array.from({ length: count }, (_, i) => ({
    version: { id: idOf(i), name: `1.0.${i}` } as RetainedVersion,
    deletes: true,
    code: "BeyondNewestPromoted",
    reason: "",
  }));
}

const numbered = decisions(1_050).map(({ version: { id } }) => id.toLowerCase());

/** Azure with users of these; counts the questions. */
function azure(
  isUsed: (id: string) => boolean,
  { needsSeen = true } = {},
): { readonly deps: Dependencies; readonly questions: ImageNames[] } {
  const questions: ImageNames[] = [];
  const deps = {
    consumerSubscriptions: [SUBSCRIPTION],
    now: () => new Date(0),
    resources: { getGallery: () => Promise.resolve({}) },
    imageUsers: {
      proveReadable: () => Promise.resolve(),
      listScaleSets: () => Promise.resolve([]),
      find: (_: readonly string[], names: ImageNames) => {
        questions.push(names);
        return Promise.resolve({
          users: numbered.filter(isUsed).map((image) => ({
            id: `${image}/user`,
            kind: "scaleSet",
            region: "westus",
            image,
            ephemeral: false,
          })),
          complete: needsSeen,
          needsSeen,
        });
      },
    },
  } as unknown as Dependencies;
  return { deps, questions };
}

const deleted = (all: readonly Decision[]): string[] =>
  all.filter(({ deletes }) => deletes).map(({ version }) => version.name);

test("of however many are in use, those that are not are deleted, by one question", async () => {
  const unused = idOf(1_020).toLowerCase();
  const { deps, questions } = azure((id) => id !== unused);
  const answer = await withoutNeeded(deps, decisions(1_050));
  expect(deleted(answer)).toEqual(["1.0.1020"]);
  expect(answer.filter(({ code }) => code === "InUse")).toHaveLength(1_049);
  expect(questions).toHaveLength(1);
});

test("where more need a version than can be read, those that are known are kept for that, and the others, too", async () => {
  const used = idOf(1).toLowerCase();
  const { deps, questions } = azure((id) => id === used, { needsSeen: false });
  const answer = await withoutNeeded(deps, decisions(3));
  expect(answer.map(({ deletes, code }) => [deletes, code])).toEqual([
    [false, "UseUnknown"],
    [false, "InUse"],
    [false, "UseUnknown"],
  ]);
  expect(questions).toHaveLength(1);
});

/** Whom an evaluation asks: by so many versions at once, and further where all of those are kept. */
import { expect, test } from "vitest";
import type { Dependencies } from "../../../src/image-version/ports.js";
import type { ImageNames } from "../../../src/image-use/names.js";
import type {
  Decision,
  RetainedVersion,
} from "../../../src/retention/decide.js";
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
          users: names.byNumber.filter(isUsed).map((image) => ({
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

test("what is in use holds up none of those behind it", async () => {
  const unused = idOf(120).toLowerCase();
  const { deps, questions } = azure((id) => id !== unused);
  const answer = await withoutNeeded(deps, decisions(150));
  expect(deleted(answer)).toEqual(["1.0.120"]);
  expect(answer.filter(({ code }) => code === "InUse")).toHaveLength(149);
  expect(questions.map(({ versionNames }) => versionNames.length)).toEqual([
    100, 50,
  ]);
});

test("where some are deleted the others wait until then, and say so", async () => {
  const { deps, questions } = azure(() => false);
  const answer = await withoutNeeded(deps, decisions(150));
  expect(deleted(answer)).toHaveLength(100);
  expect(questions).toHaveLength(1);
  expect(answer[149]).toMatchObject({
    deletes: false,
    code: "UseUnknown",
    reason: "Who uses it is asked once one of the 100 before it is deleted.",
  });
});

test("where something cannot be seen nothing more is asked", async () => {
  const { deps, questions } = azure(() => false, { needsSeen: false });
  expect(deleted(await withoutNeeded(deps, decisions(150)))).toEqual([]);
  expect(questions).toHaveLength(1);
});

test("of more than a thousand in use the others are not asked of", async () => {
  const { deps, questions } = azure(() => true);
  expect(deleted(await withoutNeeded(deps, decisions(1_050)))).toEqual([]);
  expect(questions).toHaveLength(10);
});

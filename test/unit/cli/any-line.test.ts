import fc from "fast-check";
import { expect, it } from "vitest";
import { COMMANDS } from "../../../src/cli/src/commands/all.js";
import { GLOBAL_OPTIONS } from "../../../src/cli/src/global-options.js";
import { operation, problem, runLine, VERSION } from "./command-line.js";

/** Nothing that reads or writes a file, or waits for a terminal. */
const COMMANDS_THAT_SEND = COMMANDS.filter(({ words }) => words !== "configure");
const TEXTS = [
  ...[
    "westus",
    "westus=2=standard_lrs",
    "westus=la",
    "null",
    "Set1,0,Set2",
    "a=b",
    "0",
    "-1",
    "''",
    "",
    "true",
  ],
  ...[
    "publishingProfile.targetRegions",
    "publishingProfile.targetRegions[0].name=x",
    "tags.a=b",
    "tags[",
    "]=",
    "name=westus",
  ],
  ...[
    "status=Running",
    "[",
    "[].name",
    "table",
    "tsv",
    "jsonc",
    "op-1",
    "1.0.0",
    "{",
    "__proto__.a=1",
    "constructor",
  ],
];
const NOBODY = { count: 0, regions: [], first: [] };
const USE = {
  needed: "no",
  scaleSets: NOBODY,
  ephemeralMachines: NOBODY,
  machines: NOBODY,
  notSeen: [],
  warnings: [],
};
/** A command, and some of its options with any values. */
const anyLine = fc.constantFrom(...COMMANDS_THAT_SEND).chain(({ words, options }) =>
  fc.tuple(
    fc.constant(words),
    fc.array(
      fc.tuple(
        fc.constantFrom(
          ...[...options, ...GLOBAL_OPTIONS]
            .flatMap(({ names }) => names)
            .filter((name) => !/^-(?:h|-help|f|-file)$/u.test(name)),
        ),
        fc.array(fc.oneof(fc.constantFrom(...TEXTS), fc.string({ maxLength: 8 })), {
          maxLength: 3,
        }),
      ),
      { maxLength: 5 },
    ),
  ),
);

it("any command line ends with an exit code that says why, and is never a mistake of the program", async () => {
  await fc.assert(
    fc.asyncProperty(anyLine, fc.boolean(), async ([words, rest], isThere) => {
      const place = ["-g", "G", "-r", "Y", "-i", "I", "-e", "1.0.0"];
      const hasPlace = /^(?:image-version (?!query)|retention )/u.test(words);
      const line = [
        ...words.split(" "),
        ...(hasPlace ? place.slice(0, /list|roll|retention/u.test(words) ? 6 : 8) : []),
        ...rest.flat(2),
      ];
      const { code, stderr } = await runLine(line, ({ method, path }) =>
        !isThere
          ? problem(404, "NotFound")
          : method !== "GET"
            ? [202, operation("NotStarted")]
            : path.includes("/operations/") && !path.includes("/items?")
              ? [200, operation("Succeeded")]
              : path.includes("/machine?")
                ? [200, { warnings: [] }]
                : path.endsWith("/use")
                  ? [200, USE]
                  : /\/(?:descendants|items|api\/versions)\?/u.test(path)
                    ? [200, { value: [] }]
                    : path.includes("/versions/")
                      ? [200, VERSION, { ETag: '"1"' }]
                      : problem(404, "NotFound"),
      );
      // 4: `events tail` signs in to Service Bus, and nobody can here.
      expect([0, 2, 3, 4, 5], `${line.join(" ")}\n${stderr}`).toContain(code);
      expect(stderr).not.toContain("--verbose shows where");
    }),
    { numRuns: 1000 },
  );
  expect(({} as Record<string, unknown>)["a"]).toBeUndefined();
});

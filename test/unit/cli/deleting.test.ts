/** What is said and asked before something is deleted or becomes the latest. */
import { describe, expect, it } from "vitest";
import { AT, runLine, type Request } from "./command-line.js";
import { naming } from "../../support/naming.js";

const LINE = `image-version delete ${AT} --gallery-image-version 1.0.0 --no-wait`;
const NOBODY = { count: 0, regions: [], first: [] };

function answer({ method, path }: Request): readonly [number, unknown] {
  if (path.includes("/forecast"))
    return [
      200,
      {
        of: "delete",
        inLatest: [],
        regions: [{ region: "westus", from: "1.0.0", to: "0.9.0" }],
        softDelete: { isSoftDeleteEnabled: false },
        findings: [
          {
            code: "DeletionIsFinal",
            severity: "warning",
            pointer: "",
            message: "The gallery MyGallery has no soft delete.",
          },
        ],
      },
    ];
  if (path.endsWith("/use"))
    return [
      200,
      {
        needed: "yes",
        scaleSets: { ...NOBODY, count: 2 },
        machines: { ...NOBODY, count: 3 },
        ephemeralMachines: NOBODY,
        notSeen: [],
        warnings: [],
        complete: true,
        subscriptions: [],
        time: "2026-01-01T00:00:00Z",
      },
    ];
  expect(method).toBe("DELETE");
  return [
    202,
    {
      id: `${"0".repeat(32)}-1`,
      kind: "DeleteImageVersion",
      status: "Running",
      resourceId: "/subscriptions/x",
      percentComplete: 0,
      createdTime: "2026-01-01T00:00:00Z",
      lastUpdatedTime: "2026-01-01T00:00:00Z",
      regions: [],
      history: [],
    },
  ];
}

const methods = (requests: readonly Request[]): readonly string[] =>
  requests.map(({ method }) => method);

describe("a deletion on a terminal", () => {
  it("says that it is final and who uses the version, and is done for the version's number", async () => {
    const { code, stderr, requests } = await runLine(LINE, answer, {
      isTerminal: true,
      stdin: "1.0.0\n",
    });
    expect(stderr).toContain("has no soft delete");
    expect(stderr).toContain("Used by 2 scale sets and 3 machines.");
    expect(stderr).toEqual(naming(["westus", "1.0.0", "0.9.0"]));
    expect(methods(requests)).toEqual(["GET", "GET", "DELETE"]);
    expect(code).toBe(0);
  });

  it.each(["y\n", "", "1.0.1\n"])("is not done for %j", async (stdin) => {
    const { code, requests } = await runLine(LINE, answer, {
      isTerminal: true,
      stdin,
    });
    expect(methods(requests)).toEqual(["GET", "GET"]);
    expect(code).toBe(130);
  });

  it("is not asked for with --yes, and not without a terminal", async () => {
    const said = await runLine(`${LINE} --yes`, answer, { isTerminal: true });
    expect(methods(said.requests)).toEqual(["DELETE"]);
    const piped = await runLine(LINE, answer, { stdin: "no\n" });
    expect(methods(piped.requests)).toEqual(["DELETE"]);
  });

  it("with --dry-run says what becomes of each region, and deletes nothing", async () => {
    const { stdout, requests } = await runLine(`${LINE} --dry-run -o table`, answer);
    expect(stdout).toMatch(/westus\s+1\.0\.0\s+0\.9\.0/u);
    expect(methods(requests)).toEqual(["GET"]);
  });
});

it("a dry run is of a promotion in all regions", async () => {
  const { code, stderr, requests } = await runLine(
    `image-version promote ${AT} -e 1.0.0 --dry-run --regions westus`,
    answer,
  );
  expect(code).toBe(2);
  expect(stderr).toContain("leave one of the two out");
  expect(requests).toEqual([]);
});

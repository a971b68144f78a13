import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import type { Operation } from "../../../src/client/src/client.js";
import { Output } from "../../../src/cli/src/harmless.js";
import { progressOn } from "../../../src/cli/src/progress.js";
import { operation } from "./command-line.js";

const region = (name: string, progress: number, more = {}): object => ({
  name,
  progress,
  state: progress === 100 ? "Completed" : "Replicating",
  attempts: 1,
  ...more,
});
const of = (status: string, regions: readonly object[], more = {}): Operation =>
  operation(status, regions as never, more) as unknown as Operation;

function shown(
  options: {
    isTTY: boolean;
    columns?: number;
    rows?: number;
    environment?: Record<string, string>;
  },
  ...operations: readonly Operation[]
): string {
  let text = "";
  const progress = progressOn(
    new Output({ write: (each) => (text += each), ...options }, {}),
    options.environment ?? {},
  );
  for (const each of operations) progress.update(each);
  return text;
}

describe("in a pipe", () => {
  it("says each change once, in a line of its own", () => {
    const replicating = of("Running", [region("westus", 40), region("eastus2", 0)]);
    expect(
      shown(
        { isTTY: false },
        of("NotStarted", [], { waitReason: "Another operation runs." }),
        replicating,
        replicating,
        of("Running", [
          region("westus", 100),
          region("eastus2", 10, { attempts: 2, attemptsAllowed: 4 }),
        ]),
        of("Succeeded", [region("westus", 100), region("eastus2", 100)]),
      ),
    ).toBe(
      [
        "MyImage 1.0.0: create, queued: Another operation runs.",
        "MyImage 1.0.0 westus: 40 %",
        "MyImage 1.0.0 eastus2: 0 %",
        "MyImage 1.0.0: create",
        "MyImage 1.0.0 westus: 100 %, usable",
        "MyImage 1.0.0 eastus2: 10 %, attempt 2 of 4",
        "MyImage 1.0.0 eastus2: 100 %, usable",
        "MyImage 1.0.0: create, succeeded",
        "",
      ].join("\n"),
    );
  });

  it("has no control characters, and none on a dumb terminal", () => {
    const now = of("Running", [region("westus", 40)]);
    for (const text of [
      shown({ isTTY: false }, now),
      shown({ isTTY: true, environment: { TERM: "dumb" } }, now),
    ])
      expect(stripVTControlCharacters(text)).toBe(text);
  });
});

describe("a region whose end is expected", () => {
  const expectedEndTime = new Date(2026, 0, 1, 15, 40).toISOString();

  it("says when before it shows any progress, and not again with each look", () => {
    const lines = (progress: number): string =>
      shown(
        { isTTY: true, columns: 80 },
        of("Running", [region("westus", progress, { expectedEndTime })]),
      );
    expect(lines(0)).toContain("expected at 15:40");
    expect(lines(1)).not.toContain("expected");
  });
});

describe("on a terminal of 80 columns", () => {
  const waits = of(
    "Running",
    [region("westus", 100), region("eastus2", 50, { nextAttemptTime: "2026-01-01T00:00:00Z" })],
    {
      waitReason: "Azure works on another update of this version, and on many others besides.",
    },
  );

  it("draws a bar for each region, none wider than the terminal", () => {
    const lines = stripVTControlCharacters(shown({ isTTY: true, columns: 80 }, waits)).split("\n");
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line.length).toBeLessThan(80);
    expect(lines[0]).toMatch(/^MyImage 1\.0\.0 {2}create {2}Azure .*…$/u);
    expect(lines[1]).toMatch(/^ {2}westus {2}█{24} 100 % {2}usable$/u);
    expect(lines[2]).toMatch(/^ {2}eastus2 █{12}░{12} {2}50 % {2}tried again at /u);
  });

  it("says how long it takes still, where that is known, and nothing of it elsewhere", () => {
    const expected = of("Running", [
      region("westus", 50, {
        expectedEndTime: new Date(Date.now() + 12.5 * 60_000).toISOString(),
      }),
    ]);
    expect(stripVTControlCharacters(shown({ isTTY: true }, expected))).toMatch(
      /50 % {2}about 13 min left\n$/u,
    );
    expect(shown({ isTTY: false }, expected)).toContain("westus: 50 %\n");
  });

  it("draws them again in their place", () => {
    const text = shown({ isTTY: true, columns: 80 }, waits, waits);
    expect(text.split("\r\x1b[3A\x1b[J")).toHaveLength(2);
  });

  it("draws no more lines than the terminal has", () => {
    const many = of(
      "Running",
      Array.from({ length: 30 }, (_, i) => region(`region${i}`, i)),
    );
    const lines = shown({ isTTY: true, rows: 12 }, many).split("\n");
    expect(lines).toHaveLength(12);
    expect(lines.at(-2)).toBe("… and 20 lines more");
  });

  it("has no colours where NO_COLOR is set", () => {
    const plain = { isTTY: true, environment: { NO_COLOR: "1" } };
    expect(shown({ isTTY: true }, waits)).toContain("\x1b[32m");
    expect(shown(plain, waits)).not.toMatch(/\x1b\[\d+m/u);
  });
});

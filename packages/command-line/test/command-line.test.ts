import { expect, test, vi } from "vitest";
import { parseOptions, portOf, runCommand, UsageError } from "../src/command-line.js";

/** Runs a command with one option; gives its exit code, and what it printed on stdout and stderr. */
async function run(
  args: readonly string[],
  outcome: () => Promise<number> = () => Promise.resolve(0),
) {
  const out = vi.spyOn(console, "log").mockReturnValue();
  const err = vi.spyOn(console, "error").mockReturnValue();
  const code = await runCommand(
    {
      usage: "Usage: fly [--port N]",
      readOptions: (given) => {
        const values = parseOptions(given, {
          port: { type: "string", default: "1" },
          help: { type: "boolean", default: false },
        });
        return { help: values.help, port: portOf("port", values.port) };
      },
      run: outcome,
    },
    args,
  );
  const lines = (spy: typeof out) => spy.mock.calls.flat().map(String);
  const result = { code, printed: lines(out), told: lines(err) };
  vi.restoreAllMocks();
  return result;
}

test("--help prints the usage and is 0; nothing runs", async () => {
  const never = () => Promise.reject(new Error("it ran"));
  expect(await run(["--help"], never)).toEqual({
    code: 0,
    printed: ["Usage: fly [--port N]"],
    told: [],
  });
});

test.each([
  [["--prot", "1"], "Unknown option '--prot'"],
  [["--port"], "Option '--port <value>' argument missing"],
  [["--port", "-1"], "Option '--port' argument is ambiguous."],
  [["--port", "65536"], '--port must be a number from 0 to 65535, not "65536"'],
  [["--port", "1e3"], '--port must be a number from 0 to 65535, not "1e3"'],
  [["--port", ""], '--port must be a number from 0 to 65535, not ""'],
  [["north"], "Unexpected argument 'north'"],
])("%j is 2, and one line says why", async (args, reason) => {
  const { code, printed, told } = await run(args);
  expect({ code, printed, lines: told.length }).toEqual({
    code: 2,
    printed: [],
    lines: 1,
  });
  const [message] = told;
  expect(message).toMatch(/^[^\n]+ \(see --help\)$/u);
  expect(message).toContain(reason);
});

test("what a command throws is one line and 1; what it gives is its exit code", async () => {
  const fails = () => Promise.reject(new Error("Port 1 is taken."));
  expect(await run([], fails)).toMatchObject({
    code: 1,
    told: ["Port 1 is taken."],
  });
  expect(await run([], () => Promise.resolve(130))).toEqual({
    code: 130,
    printed: [],
    told: [],
  });
});

test("a mistake of the program is no mistake of whoever typed", async () => {
  const broken = {
    usage: "",
    readOptions: (): { help: boolean } => {
      throw new TypeError("broken");
    },
    run: () => Promise.resolve(0),
  };
  await expect(runCommand(broken, [])).rejects.toThrow(TypeError);
  expect(new UsageError("x")).not.toBeInstanceOf(TypeError);
});

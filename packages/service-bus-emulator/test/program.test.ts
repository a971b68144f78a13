import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { runEmulator, temporaryDirectory } from "./program.js";
import { configurationOf } from "./support.js";

async function ended(
  args: readonly string[],
): Promise<{ code: number; output: string; errors: string }> {
  const directory = await temporaryDirectory();
  await writeFile(
    path.join(directory, "entities.json"),
    JSON.stringify(configurationOf({ Queues: [{ Name: "q" }] })),
  );
  const child = runEmulator(args.map((arg) => arg.replace("DIRECTORY", directory)));
  const exit = once(child, "exit") as Promise<[number]>;
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    exit,
  ]);
  return { code, output, errors };
}

test("--help is worth reading and exits 0", async () => {
  const { code, output } = await ended(["--help"]);
  expect(code).toBe(0);
  for (const word of ["--config", "--port", "--host", "--tls", "--data", "--fsync", "Exit codes"])
    expect(output).toContain(word);
});

test("bad arguments exit 2 with what is wrong", async () => {
  expect(await ended([])).toMatchObject({
    code: 2,
    errors: "--config FILE is missing. (see --help)\n",
  });
  expect(await ended(["--config", "f", "--port", "x"])).toMatchObject({
    code: 2,
    errors: expect.stringContaining("--port must be a number") as string,
  });
  expect(await ended(["--colour"])).toMatchObject({
    code: 2,
    errors: expect.stringContaining("--colour") as string,
  });
});

test("a configuration that is not there exits 1 in one line", async () => {
  const { code, errors } = await ended(["--config", "none.json"]);
  expect(code).toBe(1);
  expect(errors).toMatch(/^Cannot read the configuration none\.json: .*\n$/u);
});

test("a taken port exits 1 in one line", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const { code, errors } = await ended([
    "--config",
    "DIRECTORY/entities.json",
    "--port",
    String(port),
  ]);
  expect(code).toBe(1);
  expect(errors).toMatch(new RegExp(`^Port ${port} is taken: .*\\n$`, "u"));
});

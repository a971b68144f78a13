import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { runProgram } from "@sigil-local/testing/program";
import { decodeJwt } from "jose";
import { expect, onTestFinished, test } from "vitest";

function run(...args: readonly string[]) {
  const program = runProgram("token-issuer/dist/main.js", args);
  onTestFinished(() => program.kill("SIGKILL"));
  return program;
}

test("the program prints where its tokens are to be had, and ends with 0 at SIGTERM", async () => {
  // This process trusts these certificates already.
  const data = process.env["SIGIL_TEST_CERTIFICATES"] ?? "";
  const ports = ["--port", "0", "--identity-port", "0"];
  const program = run("--audience", "api://orders", "--data", data, ...ports);

  const curl = await program.waitForLine(/curl -s/u);
  const [, address = ""] = /(https:\S+)$/u.exec(curl) ?? [];
  const fields = [...curl.matchAll(/ -d (\S+)/gu)].map(([, field]) => field);
  const response = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: fields.join("&"),
  });
  const { access_token } = (await response.json()) as { access_token: string };
  expect(decodeJwt(access_token)).toMatchObject({
    aud: "api://orders",
    iss: /Issuer: +(\S+)/u.exec(program.stdout())?.[1],
  });
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
});

test("a taken port is one line and exit code 1", async () => {
  const data = await mkdtemp(path.join(tmpdir(), "token-issuer-"));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const first = run("--data", data, "--port", "0", "--identity-port", "0");
  const [, port = ""] = /localhost:(\d+)/u.exec(await first.waitForLine(/^Issuer:/u)) ?? [];

  const second = run("--data", data, "--port", port, "--identity-port", "0");
  expect(await second.exited).toBe(1);
  expect(second.stderr()).toBe(
    `Token issuer: port ${port} on 127.0.0.1 is taken by another process; choose another one (0 takes any free port)\n`,
  );
});

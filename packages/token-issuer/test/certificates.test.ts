import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createCertificateAuthority } from "../src/certificates.js";
import { ManualClock } from "@sigil-local/clock";

const DAY_MS = 24 * 60 * 60 * 1000;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "sigil-certificates-test-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("a worker process trusts a server that shows the shared certificate", async () => {
  const { key, cert, caFile } = await createCertificateAuthority(
    process.env["SIGIL_TEST_CERTIFICATES"] ?? "",
  );
  expect(caFile).toBe(process.env["NODE_EXTRA_CA_CERTS"]);
  const server = createServer({ key, cert }, (_request, response) => {
    response.end("hello");
  }).listen(0, "127.0.0.1");
  try {
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    for (const host of ["localhost", "127.0.0.1"]) {
      const response = await fetch(`https://${host}:${port}/`);
      expect(await response.text()).toBe("hello");
    }
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

test("a stranger's certificate is not trusted", async () => {
  const { key, cert } = await createCertificateAuthority(directory);
  const server = createServer({ key, cert }).listen(0, "127.0.0.1");
  try {
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await expect(fetch(`https://localhost:${port}/`)).rejects.toThrow("fetch failed");
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

test("certificates are reused while they have more than seven days left", async () => {
  const clock = new ManualClock();
  const first = await createCertificateAuthority(directory, clock);
  clock.advance(357 * DAY_MS);
  expect(await createCertificateAuthority(directory, clock)).toEqual(first);
  clock.advance(2 * DAY_MS);
  const renewed = await createCertificateAuthority(directory, clock);
  expect(renewed.cert).not.toBe(first.cert);
  expect(Date.parse(new X509Certificate(renewed.cert).validTo)).toBe(clock.now() + 365 * DAY_MS);
});

test("a damaged file is replaced by a new set", async () => {
  const first = await createCertificateAuthority(directory);
  await writeFile(path.join(directory, "localhost.pem"), "-----BEGIN CERT");
  const second = await createCertificateAuthority(directory);
  expect(second.cert).not.toBe(first.cert);
  expect(new X509Certificate(second.cert).subjectAltName).toContain("DNS:localhost");
});

test("the private key is readable by its owner alone", async () => {
  await createCertificateAuthority(directory);
  const { mode } = await stat(path.join(directory, "localhost-key.pem"));
  expect(mode & 0o777).toBe(0o600);
});

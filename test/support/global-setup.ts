import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";

/**
 * Runs once before any test file, in the process that starts the workers: makes the local certificate authority and
 * says where it is through the environment, because Node reads `NODE_EXTRA_CA_CERTS` only as a process starts.
 * `SIGIL_TEST_CERTIFICATES` is the directory to give to `createCertificateAuthority` for the same certificates.
 */
export default async function setup(): Promise<() => Promise<void>> {
  process.env["NODE_ENV"] = "test";
  const directory = await mkdtemp(path.join(tmpdir(), "sigil-certificates-"));
  const { caFile } = await createCertificateAuthority(directory);
  process.env["NODE_EXTRA_CA_CERTS"] = caFile;
  process.env["SIGIL_TEST_CERTIFICATES"] = directory;
  return () => rm(directory, { recursive: true, force: true });
}

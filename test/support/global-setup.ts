import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";

const DOCUMENTS = ["openapi/openapi.yaml", "openapi/asyncapi.yaml"];

/**
 * Runs once before any test file, in the process that starts the workers. It generates what is missing or older than the
 * documents: no unit test needs a build. And it makes the local certificate authority and says where it is through the
 * environment, because Node reads `NODE_EXTRA_CA_CERTS` only as a process starts: `SIGIL_TEST_CERTIFICATES` is the directory to
 * give to `createCertificateAuthority` for the same certificates.
 */
export default async function setup(): Promise<() => Promise<void>> {
  process.env["NODE_ENV"] = "test";
  const generatedMs =
    statSync("dist/openapi/openapi.json", { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (DOCUMENTS.some((file) => statSync(file).mtimeMs > generatedMs))
    execFileSync(process.execPath, ["openapi/generate.mjs"]);
  const directory = await mkdtemp(path.join(tmpdir(), "sigil-certificates-"));
  const { caFile } = await createCertificateAuthority(directory);
  process.env["NODE_EXTRA_CA_CERTS"] = caFile;
  process.env["SIGIL_TEST_CERTIFICATES"] = directory;
  return () => rm(directory, { recursive: true, force: true });
}

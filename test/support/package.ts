import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { unzipSync } from "fflate";

/** What is deployed, unpacked as Azure does, in a folder that has nothing around it. */
export interface UnpackedPackage {
  readonly folder: string;
  /** Of the zip, sorted. */
  readonly files: readonly string[];
  readonly zipBytes: number;
  remove(): Promise<void>;
}

/** Makes the zip of what was built last, `npm run package` without its build, where none is given. */
export async function unpackPackage(given?: string): Promise<UnpackedPackage> {
  const folder = await mkdtemp(path.join(tmpdir(), "sigil-package-"));
  const file = given ?? path.join(folder, "sigil.zip");
  if (given === undefined) await promisify(execFile)(process.execPath, ["infra/package.mjs", file]);
  const zip = await readFile(file);
  if (given === undefined) await rm(file);
  const contents = Object.entries(unzipSync(zip));
  for (const [file, bytes] of contents) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), bytes);
  }
  return {
    folder,
    files: contents.map(([file]) => file).sort(),
    zipBytes: zip.length,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

import { writeFile } from "node:fs/promises";
import path from "node:path";

/**
 * Writes the settings of the running stack as the `local.settings.json` that `func start` of Azure
 * Functions Core Tools reads, readable only by its owner; returns its path.
 */
export async function writeCoreToolsSettings(
  directory: string,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const file = path.join(directory, "local.settings.json");
  const Values = {
    FUNCTIONS_WORKER_RUNTIME: "node",
    // Empty means absent only to our own host process; Core Tools would take it as a value.
    ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== "")),
  };
  await writeFile(file, `${JSON.stringify({ IsEncrypted: false, Values }, null, 2)}\n`, {
    mode: 0o600,
  });
  return file;
}

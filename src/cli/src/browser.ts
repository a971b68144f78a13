/** Opens the user's browser. */
import type { Environment } from "./io.js";

/**
 * The program that opens an address, and its arguments; undefined if nobody would see it. It is
 * started without a shell: `start` in Windows belongs to cmd, which would read the address as a
 * command line.
 */
export function browserOf(
  platform: NodeJS.Platform,
  environment: Environment,
): readonly [program: string, ...args: string[]] | undefined {
  switch (platform) {
    case "win32":
      return ["rundll32.exe", "url.dll,FileProtocolHandler"];
    case "darwin":
      return ["open"];
    default:
      return environment["DISPLAY"] || environment["WAYLAND_DISPLAY"] ? ["xdg-open"] : undefined;
  }
}

/** Resolves once the program starts, with whether it exists. */
export async function browse(address: string): Promise<boolean> {
  const browser = browserOf(process.platform, process.env);
  if (browser === undefined) return false;
  const [program, ...args] = browser;
  const { spawn } = await import("node:child_process");
  const child = spawn(program, [...args, address], {
    stdio: "ignore",
    detached: true,
  });
  child.unref();
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("spawn", () => resolve(true));
  });
}

/** Why the host cannot start: one line for whoever started it, naming what to change. */
export class StartupError extends Error {
  override readonly name = "StartupError";
}

/** The message of whatever was thrown, on one line. */
export function describeError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replaceAll(/\s*\n\s*/gu, " ");
}

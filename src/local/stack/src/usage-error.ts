/** A command line that cannot be obeyed; its message is for whoever typed it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

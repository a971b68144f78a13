/** The build sets it. */
declare const SIGIL_CLI_VERSION: string | undefined;

export const VERSION = typeof SIGIL_CLI_VERSION === "string" ? SIGIL_CLI_VERSION : "0.0.0";

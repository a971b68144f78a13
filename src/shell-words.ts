/** Quotes any text as one word of a command line. */

/**
 * For a POSIX shell: a text without special characters stays as it is, any other gets single
 * quotes.
 */
export function shellWord(text: string): string {
  return /^[-\w@%+=:,./]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** For PowerShell, in single quotes, of which it has five. */
export function powerShellWord(text: string): string {
  return `'${text.replace(/['\u2018\u2019\u201A\u201B]/gu, "$&$&")}'`;
}

/** A Bicep string. */
export function bicepString(text: string): string {
  const escaped = text
    .replace(/[\\']/gu, "\\$&")
    .replaceAll("${", "\\${")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
  return `'${escaped}'`;
}

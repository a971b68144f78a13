/** Texts as single words of a command line, whatever they hold. */

/** Of a POSIX shell: what has no meaning there stands as it is, everything else between single quotes. */
export function shellWord(text: string): string {
  return /^[-\w@%+=:,./]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Of PowerShell: between single quotes, of which it knows five. */
export function powerShellWord(text: string): string {
  return `'${text.replace(/['\u2018\u2019\u201A\u201B]/gu, "$&$&")}'`;
}

/** A string of Bicep. */
export function bicepString(text: string): string {
  const escaped = text
    .replace(/[\\']/gu, "\\$&")
    .replaceAll("${", "\\${")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
  return `'${escaped}'`;
}

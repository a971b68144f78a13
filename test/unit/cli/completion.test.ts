/** The printed scripts in the shells themselves, each started once. What `sigil __complete` gives to each line is in run.test.ts. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { needs } from "@sigil-local/testing/tools";

const FOLDER = mkdtempSync(path.join(tmpdir(), "sigil-completion-"));
symlinkSync(path.resolve("src/cli/dist/sigil.cjs"), path.join(FOLDER, "sigil"));
const FILES = path.join(FOLDER, "files");
mkdirSync(FILES);
writeFileSync(path.join(FILES, "package.json"), "");
const ENVIRONMENT = {
  ...process.env,
  HOME: FOLDER,
  XDG_CONFIG_HOME: FOLDER,
  XDG_DATA_HOME: FOLDER,
  POWERSHELL_TELEMETRY_OPTOUT: "1",
  PATH: `${FOLDER}${path.delimiter}${path.dirname(process.execPath)}${path.delimiter}${process.env["PATH"]}`,
};
afterAll(() => {
  rmSync(FOLDER, { recursive: true, force: true });
});

const FORMATS = ["json", "jsonc", "none", "table", "tsv", "yaml", "yamlc"];
const GALLERY = [
  "--gallery-image-definition",
  "--gallery-image-version",
  "--gallery-image-version-name",
  "--gallery-name",
];
/** A line up to the cursor, and what the shell offers. */
const LINES: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ["sigil image-v", ["image-version"]],
  ["sigil image-version pro", ["promote"]],
  ["sigil retention ", ["delete", "set", "show"]],
  ["sigil image-version show --ou", ["--output"]],
  ["sigil image-version show -o ", FORMATS],
  ["sigil image-version show --output t", ["table", "tsv"]],
  ["sigil image-version show -g 'my group' --gal", GALLERY],
  [`sigil image-version show -g "my group" -o t`, ["table", "tsv"]],
  ["sigil 'image-version' pro", ["promote"]],
  ["sigil 'image-v", ["image-version"]],
  ["sigil --v", ["--version"]],
  // No word of ours: a file.
  ["sigil image-version create --file ", ["package.json"]],
  ["sigil image-version create --file pack", ["package.json"]],
];
/** In Bash `=` ends a word: what follows it is replaced alone. */
const ATTACHED = "sigil image-version show --output=t";
const WHOLE = ["--output=table", "--output=tsv"];

/** Runs a script that prints each line behind `# `, and then the words that the shell offers. */
function offered(
  program: string,
  ...args: readonly string[]
): Readonly<Record<string, readonly string[]>> {
  const printed = execFileSync(program, args, {
    cwd: FILES,
    env: ENVIRONMENT,
    encoding: "utf8",
    timeout: 60_000,
  });
  const found: Record<string, string[]> = {};
  let words: string[] = [];
  for (const line of printed.split(/\r?\n/u).map((each) => each.trimEnd()))
    if (line.startsWith("# ")) found[line.slice(2)] = words = [];
    else if (line !== "") words.push(line.replace(/^\.[/\\]/u, ""));
  for (const each of Object.values(found)) each.sort();
  return found;
}

const expected = (attached: readonly string[]) =>
  Object.fromEntries(
    [...LINES, [ATTACHED, attached] as const].map(([line, words]) => [line.trimEnd(), words]),
  );
const TRIED = [...LINES.map(([line]) => line), ATTACHED];

describe("completion, by the script that sigil prints", () => {
  // Bash's own division of a line into words is made here; the other shells do it themselves.
  test("bash", () => {
    const script = `
      eval "$(sigil completion bash)"
      while (($#)); do
        COMP_LINE=$1 COMP_POINT=\${#1} COMP_CWORD=$2
        echo "# $1"
        COMP_WORDS=("\${@:3:$2+1}")
        shift $(($2 + 3))
        _sigil
        if ((\${#COMPREPLY[@]})); then printf '%s\\n' "\${COMPREPLY[@]}"
        elif [[ $(complete -p sigil) == *'-o default'* ]]; then compgen -f "\${COMP_WORDS[COMP_CWORD]}"
        fi
      done`;
    const lines = TRIED.flatMap((line) => {
      const words: string[] = [...(line.match(/'[^']*'|"[^"]*"|=|[^\s=]+/gu) ?? [])];
      if (line.endsWith(" ")) words.push("");
      return [line, String(words.length - 1), ...words];
    });
    expect(offered("bash", "-c", script, "bash", ...lines)).toEqual(expected(["table", "tsv"]));
  });

  test("zsh", needs("zsh"), () => {
    // A zsh on a terminal of its own, where Tab is pressed behind each line; \C-g says what was offered, and empties the line.
    const script = `
      zmodload zsh/zpty
      zpty shell "zsh -f -i"
      setup='PS1= PROMPT_EOL_MARK= LISTMAX=10000
        eval "$(sigil completion zsh)"
        compadd() { builtin compadd -O matching "$@"; offered+=("\${matching[@]}"); builtin compadd "$@" }
        report() { print -rl -- "\${(@u)offered}" >reply; offered=(); BUFFER=; print -r -- "<""done>" }
        zle -N report; bindkey "^G" report'
      rm -f reply; print -r -- $setup >../setup
      zpty -w shell "source ../setup; print '<''done>'"
      zpty -r shell seen "*<done>*"
      for line; do
        zpty -n -w shell "$line"$'\\t\\x07'
        zpty -r shell seen "*<done>*"
        print -r -- "# $line"
        cat reply; rm reply
      done`;
    expect(offered("zsh", "-f", "-c", script, "zsh", ...TRIED)).toEqual(expected(WHOLE));
  });

  test("fish", needs("fish"), () => {
    const script = `
      sigil completion fish | source
      for line in $argv
        echo "# $line"
        complete --do-complete $line
      end`;
    expect(offered("fish", "--no-config", "-c", script, ...TRIED)).toEqual(expected(WHOLE));
  });

  test("PowerShell", needs("pwsh"), () => {
    const file = path.join(FOLDER, "complete.ps1");
    writeFileSync(
      file,
      `Set-StrictMode -Version Latest
       sigil completion powershell | Out-String | Invoke-Expression
       foreach ($line in $args) {
         "# $line"
         (TabExpansion2 $line $line.Length).CompletionMatches | ForEach-Object CompletionText
       }`,
    );
    expect(offered("pwsh", "-NoProfile", "-File", file, ...TRIED)).toEqual(expected(WHOLE));
  });
});

/** For each shell, what asks `sigil __complete` for the words that may come next. */
export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

/** What a shell calls with the words before the cursor, the one under it last. */
export const COMPLETE = "__complete";

export function completionScript(shell: string): string | undefined {
  return SCRIPTS[shell as (typeof SHELLS)[number]];
}

const SCRIPTS: Partial<Record<string, string>> &
  Record<(typeof SHELLS)[number], string> = {
  bash: `_sigil() {
  local IFS=$'\\n'
  COMPREPLY=($(sigil ${COMPLETE} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ \${#COMPREPLY[@]} -gt 0 ] || compopt -o default
}
complete -F _sigil sigil
`,
  zsh: `_sigil() {
  local -a found
  found=("\${(@f)$(sigil ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -a found; else _files; fi
}
compdef _sigil sigil
`,
  fish: `complete -c sigil -f -a '(sigil ${COMPLETE} (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
  powershell: `Register-ArgumentCompleter -Native -CommandName sigil -ScriptBlock {
  param($word, $ast, $cursor)
  $words = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($word -eq '') { $words += '""' }
  sigil ${COMPLETE} @words 2>$null | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
};

/** The script for each shell that asks `sigil __complete` for the next words. */
export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

/**
 * The command that a shell calls with the words before the cursor, ending with the one under it.
 */
export const COMPLETE = "__complete";

export function completionScript(shell: string): string | undefined {
  return SCRIPTS[shell as (typeof SHELLS)[number]];
}

// Each passes the words without quotes, and completes file names if no word fits.
const SCRIPTS: Partial<Record<string, string>> & Record<(typeof SHELLS)[number], string> = {
  // In COMP_WORDS "=" is a separate word, and bash replaces only what follows it.
  bash: `_sigil() {
  local IFS=$'\\n' words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  [[ \${COMP_LINE:0:COMP_POINT} =~ [[:space:]](--[a-z-]+=[^[:space:]]*)$ ]] && words[COMP_CWORD-1]=\${BASH_REMATCH[1]}
  COMPREPLY=($(sigil ${COMPLETE} "\${words[@]//[\\"\\']/}" 2>/dev/null))
  COMPREPLY=("\${COMPREPLY[@]#--*=}")
}
complete -o default -F _sigil sigil
`,
  zsh: `(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_sigil() {
  local -a found
  found=("\${(@f)$(sigil ${COMPLETE} "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -a found; else compset -P '--*='; _files; fi
}
compdef _sigil sigil
`,
  fish: `function __sigil_complete
  set -l before (commandline -opc)
  set -l word (commandline -ct | string trim --left --chars '\\'"')
  set -l found (sigil ${COMPLETE} $before[2..-1] "$word" 2>/dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path "$word"
  end
end
complete -c sigil -f -a '(__sigil_complete)'
`,
  // Windows PowerShell, and PowerShell before 7.3, leave out an argument that is empty.
  powershell: `Register-ArgumentCompleter -Native -CommandName sigil -ScriptBlock {
  param($word, $ast, $cursor)
  $PSNativeCommandArgumentPassing = 'Standard'
  $quotes = [char[]]"'\`""
  $before = @($ast.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.ToString().Trim($quotes) })
  $begun = $word.Trim($quotes)
  if ($begun -eq '' -and $PSVersionTable.PSVersion -lt '7.3') { $begun = '""' }
  sigil ${COMPLETE} @before $begun 2>$null | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
};

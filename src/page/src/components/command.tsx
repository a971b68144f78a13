import { useState } from "preact/hooks";
import { shellWord } from "../command-line.js";

/** Takes a text along. */
export function Copy({ text, label }: { readonly text: string; readonly label: string }) {
  const [copied, setCopied] = useState("");
  return (
    <>
      <span role="status" class="small">
        {copied}
      </span>
      <button
        type="button"
        class="small no-print"
        onClick={() =>
          void navigator.clipboard.writeText(text).then(
            () => setCopied("Copied"),
            () => setCopied("The browser does not allow it to be copied."),
          )
        }
      >
        Copy<span class="visually-hidden"> {label}</span>
      </button>
    </>
  );
}

/** A line for a shell, to take along. */
export function Command({
  line,
  label = "command",
}: {
  readonly line: string;
  readonly label?: string;
}) {
  return (
    <div class="command">
      <code>{line}</code>
      <Copy text={line} label={label} />
    </div>
  );
}

/** What to do, with its command on a line of its own, to copy. */
export function Fix({ text, label }: { readonly text: string; readonly label: string }) {
  const [, sentence, line, after = ""] =
    /^(.*?): (az [a-z].*?)(?:\.( [A-Z].*)?)?$/u.exec(text) ?? [];
  if (line === undefined) return <pre tabIndex={0}>{text}</pre>;
  return (
    <>
      <p>
        {sentence}.{after}
      </p>
      <Command line={line} label={label} />
    </>
  );
}

/** The `sigil` line that does the same. */
export function SameWithSigil({ words }: { readonly words: readonly string[] }) {
  return (
    <details class="fold">
      <summary>The same with sigil</summary>
      <Command label="the sigil line" line={["sigil", ...words.map(shellWord)].join(" ")} />
    </details>
  );
}

import { Copy } from "../components/command.js";

/** A text to take along. */
export function CopyText({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <div class="copy">
      <pre tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
      <Copy text={text} label={label} />
    </div>
  );
}

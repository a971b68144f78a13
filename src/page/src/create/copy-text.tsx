import { useState } from "preact/hooks";

/** A text to take along. */
export function CopyText({
  label,
  text,
}: {
  readonly label: string;
  readonly text: string;
}) {
  const [copied, setCopied] = useState("");
  return (
    <div class="copy">
      <pre tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
      <button
        type="button"
        class="subtle"
        onClick={() =>
          void navigator.clipboard.writeText(text).then(
            () => setCopied("Copied."),
            () => setCopied("The browser does not let it be copied."),
          )
        }
      >
        Copy<span class="visually-hidden"> {label}</span>
      </button>{" "}
      <span role="status">{copied}</span>
    </div>
  );
}

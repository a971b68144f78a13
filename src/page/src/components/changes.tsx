import { changeTexts } from "../change-text.js";

/** In sentences; as the API says them, folded. */
export function Changes({
  changes,
  regions,
}: {
  readonly changes: Parameters<typeof changeTexts>[0];
  /** Names, in the order in which Azure shows them, or the request has them. */
  readonly regions: readonly string[];
}) {
  if (changes.length === 0) return <p>Nothing changes.</p>;
  return (
    <>
      <ul aria-label="Changes">
        {changeTexts(changes, regions).map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
      <details>
        <summary class="small">As JSON</summary>
        <pre tabIndex={0}>{JSON.stringify(changes, undefined, 2)}</pre>
      </details>
    </>
  );
}

import { useState } from "preact/hooks";
import { parseJson } from "./model/json.js";
import { misfitsOf } from "./model/misfits.js";

/** What is wrong and shown; a request may be anything. */
const MOST = 20;

/** Fills the form from an existing request; members that the form does not show are kept. */
export function Paste({ onPaste }: { readonly onPaste: (body: unknown) => void }) {
  const [text, setText] = useState("");
  const [said, setSaid] = useState("");
  const [failed, setFailed] = useState<readonly string[]>([]);
  const take = (): void => {
    const read = parseJson(text);
    const wrong = "mistake" in read ? [read.mistake] : misfitsOf(read.value);
    setFailed(wrong);
    setSaid(wrong.length === 0 ? "The form has it." : "");
    if ("value" in read && wrong.length === 0) onPaste(read.value);
  };
  return (
    <details class="card">
      <summary>Begin with a request</summary>
      <label for="paste">The body of a PUT, or a version as Azure Resource Manager shows it</label>
      <textarea
        id="paste"
        rows={8}
        spellcheck={false}
        value={text}
        aria-describedby="paste-error"
        aria-invalid={failed.length > 0}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <div id="paste-error" class="error-text" role="alert">
        {failed.length > 0 && <p>This is no request that the form can show.</p>}
        <ul>
          {failed.slice(0, MOST).map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
        {failed.length > MOST && <p>And {failed.length - MOST} more.</p>}
      </div>
      <p class="row">
        <button type="button" onClick={take}>
          Fill in the form
        </button>
        <span role="status">{said}</span>
      </p>
    </details>
  );
}

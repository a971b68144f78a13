import { useState } from "preact/hooks";
import { isObject } from "./model/json.js";

/** Fills the form from a request that somebody has: what the form does not show of it is kept. */
export function Paste({
  onPaste,
}: {
  readonly onPaste: (body: unknown) => void;
}) {
  const [text, setText] = useState("");
  const [said, setSaid] = useState("");
  const [failed, setFailed] = useState("");
  const take = (): void => {
    setSaid("");
    setFailed("");
    try {
      const body: unknown = JSON.parse(text);
      if (!isObject(body)) throw new Error("It is no object.");
      onPaste(body);
      setSaid("The form has it.");
    } catch (error) {
      setFailed(`This is no JSON of a version. ${(error as Error).message}`);
    }
  };
  return (
    <details class="card">
      <summary>Begin with a request</summary>
      <label for="paste">
        The body of a PUT, or a version as Azure Resource Manager shows it
      </label>
      <textarea
        id="paste"
        rows={8}
        spellcheck={false}
        value={text}
        aria-describedby="paste-error"
        aria-invalid={failed !== ""}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <p id="paste-error" class="error-text" role="alert">
        {failed}
      </p>
      <p class="row">
        <button type="button" onClick={take}>
          Fill in the form
        </button>
        <span role="status">{said}</span>
      </p>
    </details>
  );
}

import { useState } from "preact/hooks";
import { navigate } from "../navigation.js";
import { parseResourceId } from "../routes.js";

export function HomeView() {
  const [id, setId] = useState("");
  const [error, setError] = useState("");
  return (
    <>
      <h1>Images</h1>
      <form
        class="open"
        onSubmit={(event) => {
          event.preventDefault();
          const found = parseResourceId(id);
          if (found === undefined)
            setError(
              "This is not the resource id of an image definition or an image version.",
            );
          else if (found.version === undefined)
            navigate({ view: "image", image: found.image });
          else
            navigate({
              view: "version",
              image: found.image,
              version: found.version,
            });
        }}
      >
        <label for="open-id">
          Resource id of an image definition or an image version
        </label>
        <input
          id="open-id"
          value={id}
          spellcheck={false}
          aria-invalid={error !== ""}
          aria-describedby="open-error"
          onInput={(event) => setId(event.currentTarget.value)}
          placeholder="/subscriptions/…/galleries/…/images/…"
        />
        <button type="submit" class="primary">
          Open
        </button>
        <p id="open-error" class="error-text" role="alert">
          {error}
        </p>
      </form>
    </>
  );
}

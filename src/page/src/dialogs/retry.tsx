import { useState } from "preact/hooks";
import { SameWithSigil } from "../components/command.js";
import { Dialog } from "../components/dialog.js";
import { versionWords } from "../command-line.js";
import { useClient, useRequestKey } from "../context.js";
import type { VersionActionProps } from "./action.js";

export function RetryDialog({
  image,
  version,
  onAccepted,
  onClose,
}: Omit<VersionActionProps, "etag">) {
  const client = useClient();
  const keyOf = useRequestKey();
  const failed = version.sigil.regions
    .filter(({ state }) => state === "Failed")
    .map(({ name }) => name);
  const [chosen, setChosen] = useState<readonly string[]>(failed);
  return (
    <Dialog
      title={`Retry failed regions of ${version.name}?`}
      lead="Each chosen region is removed from the version and added back with the same keys, which is Azure's own way to repair it. Regions that are ready are not touched."
      confirm="Retry"
      disabled={chosen.length === 0}
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await client.call("retryImageVersion", {
          path: { ...image, versionName: version.name },
          header: { "Idempotency-Key": keyOf(chosen) },
          body: { regions: [...chosen] },
        });
        onAccepted(body);
      }}
    >
      <fieldset>
        <legend>Failed regions</legend>
        {failed.map((name) => (
          <label key={name} class="choice">
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              onChange={(event) =>
                setChosen(
                  event.currentTarget.checked
                    ? [...chosen, name]
                    : chosen.filter((each) => each !== name),
                )
              }
            />
            {name}
          </label>
        ))}
      </fieldset>
      <SameWithSigil
        words={[
          "image-version",
          "retry",
          ...versionWords(image, version.name),
          ...(chosen.length === failed.length ? [] : ["--regions", ...chosen]),
        ]}
      />
    </Dialog>
  );
}

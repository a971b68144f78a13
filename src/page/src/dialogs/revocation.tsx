import { useState } from "preact/hooks";
import { SameWithSigil } from "../components/command.js";
import { Dialog } from "../components/dialog.js";
import { UseDetails } from "../components/use-details.js";
import { versionWords } from "../command-line.js";
import { useClient, useRequestKey } from "../context.js";
import { allowNoLatest, type VersionActionProps } from "./action.js";
import { ForecastDetails, useForecast } from "./forecast.js";

/** Takes a bad version back, with its reason. */
export function RevokeDialog({
  image,
  version,
  onAccepted,
  onClose,
}: VersionActionProps) {
  const client = useClient();
  const keyOf = useRequestKey();
  const [reason, setReason] = useState("");
  const [replacement, setReplacement] = useState("");
  const foretold = useForecast(image, version.name, "demote");
  const { noLatest } = foretold;
  const body = { reason, ...(replacement !== "" && { replacement }) };
  return (
    <Dialog
      title={`Take back ${image.imageName} ${version.name}?`}
      lead="It leaves latest, and nothing brings it there again until an Admin lifts that. Where it is the only latest it stays until another version is. Nothing is deleted."
      confirm="Take it back"
      danger
      disabled={reason.trim() === ""}
      onClose={onClose}
      onConfirm={async () => {
        const answer = await client.call("revokeImageVersion", {
          path: { ...image, versionName: version.name },
          query: allowNoLatest(noLatest),
          header: { "Idempotency-Key": keyOf([body, noLatest]) },
          body,
        });
        if ("status" in answer.body) onAccepted(answer.body);
      }}
    >
      <label>
        Reason
        <input
          value={reason}
          maxLength={500}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
      <label>
        Version to use instead
        <input
          value={replacement}
          spellcheck={false}
          onInput={(event) => setReplacement(event.currentTarget.value)}
        />
      </label>
      <section>
        <UseDetails image={image} version={version.name} />
      </section>
      <ForecastDetails foretold={foretold} />
      <SameWithSigil
        words={[
          "image-version",
          "revoke",
          ...versionWords(image, version.name),
          "--reason",
          reason,
          ...(replacement === "" ? [] : ["--replacement", replacement]),
          ...(noLatest ? ["--allow-no-latest"] : []),
        ]}
      />
    </Dialog>
  );
}

/** An Admin lifts it. */
export function UnrevokeDialog({
  image,
  version,
  onAccepted,
  onClose,
}: VersionActionProps) {
  const client = useClient();
  const keyOf = useRequestKey();
  return (
    <Dialog
      title={`Lift the revocation of ${image.imageName} ${version.name}?`}
      lead={`It may be promoted again, and is given back to latest nowhere. It was taken back for: ${version.sigil.revocation?.reason ?? ""}`}
      confirm="Lift it"
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await client.call("unrevokeImageVersion", {
          path: { ...image, versionName: version.name },
          header: { "Idempotency-Key": keyOf("unrevoke") },
        });
        onAccepted(body);
      }}
    >
      <SameWithSigil
        words={[
          "image-version",
          "unrevoke",
          ...versionWords(image, version.name),
        ]}
      />
    </Dialog>
  );
}

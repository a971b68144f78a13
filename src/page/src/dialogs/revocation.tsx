import { useState } from "preact/hooks";
import { UseDetails } from "../components/use-details.js";
import { allowNoLatest, type VersionActionProps } from "./action.js";
import { ForecastDetails, useForecast } from "./forecast.js";
import { useVersionCall, VersionDialog } from "./version-dialog.js";

/** Keeps a bad version out of latest for good, with its reason. */
export function RevokeDialog(props: VersionActionProps) {
  const { image, version } = props;
  const { client, path, header } = useVersionCall(props);
  // For a version that is revoked already, its present values.
  const { revocation } = version.sigil;
  const [reason, setReason] = useState(revocation?.reason ?? "");
  const [replacement, setReplacement] = useState(revocation?.replacement ?? "");
  const foretold = useForecast(image, version.name, "demote");
  const { noLatest } = foretold;
  const body = { reason, ...(replacement !== "" && { replacement }) };
  return (
    <VersionDialog
      of={props}
      title={`Revoke ${image.imageName} ${version.name}?`}
      lead="Nothing is deleted: the version and its machines stay. It leaves latest once another version can replace it, and cannot return until an Admin lifts the revocation."
      confirm="Revoke"
      disabled={reason.trim() === ""}
      send={() =>
        client.call("revokeImageVersion", {
          path,
          query: allowNoLatest(noLatest),
          header: header([body, noLatest]),
          body,
        })
      }
      sigil={[
        "revoke",
        "--reason",
        reason,
        ...(replacement === "" ? [] : ["--replacement", replacement]),
        ...(noLatest ? ["--allow-no-latest"] : []),
      ]}
    >
      <Reason reason={reason} onChange={setReason} />
      <label>
        Version to use instead (a hint for users; Sigil does not promote it)
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
    </VersionDialog>
  );
}

/** An Admin lifts it. */
export function UnrevokeDialog(props: VersionActionProps) {
  const { image, version } = props;
  const { client, path, header } = useVersionCall(props);
  return (
    <VersionDialog
      of={props}
      title={`Lift the revocation of ${image.imageName} ${version.name}?`}
      lead={`The version can be promoted again, but does not return to latest by itself. Reason for the revocation: ${version.sigil.revocation?.reason ?? ""}`}
      confirm="Lift the revocation"
      send={() =>
        client.call("unrevokeImageVersion", {
          path,
          header: header("unrevoke"),
        })
      }
      sigil={["unrevoke"]}
    />
  );
}

/** The reason, stored for people to read. */
export function Reason({
  reason,
  onChange,
}: {
  readonly reason: string;
  readonly onChange: (reason: string) => void;
}) {
  return (
    <label>
      Reason (required)
      <input
        value={reason}
        required
        maxLength={500}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}

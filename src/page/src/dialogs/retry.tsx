import { useState } from "preact/hooks";
import { RegionTicks } from "../components/tick.js";
import type { VersionActionProps } from "./action.js";
import { useVersionCall, VersionDialog } from "./version-dialog.js";

export function RetryDialog(props: VersionActionProps) {
  const { version } = props;
  const { client, path, header } = useVersionCall(props);
  const failed = version.sigil.regions
    .filter(({ state }) => state === "Failed")
    .map(({ name }) => name);
  const [chosen, setChosen] = useState<readonly string[]>(failed);
  return (
    <VersionDialog
      of={props}
      title={`Retry failed regions of ${version.name}?`}
      lead="Sigil removes each chosen region from the version and adds it back with the same keys. This is how Azure repairs a region. Ready regions do not change."
      confirm="Retry"
      disabled={chosen.length === 0}
      send={() =>
        client.call("retryImageVersion", {
          path,
          header: header(chosen),
          body: { regions: [...chosen] },
        })
      }
      sigil={["retry", ...(chosen.length === failed.length ? [] : ["--regions", ...chosen])]}
    >
      <RegionTicks legend="Failed regions" names={failed} chosen={chosen} onChoose={setChosen} />
    </VersionDialog>
  );
}

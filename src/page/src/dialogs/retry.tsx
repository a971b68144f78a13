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
      lead="Each chosen region is removed from the version and added back with the same keys, which is Azure's own way to repair it. Regions that are ready are not touched."
      confirm="Retry"
      disabled={chosen.length === 0}
      send={() =>
        client.call("retryImageVersion", {
          path,
          header: header(chosen),
          body: { regions: [...chosen] },
        })
      }
      sigil={[
        "retry",
        ...(chosen.length === failed.length ? [] : ["--regions", ...chosen]),
      ]}
    >
      <RegionTicks
        legend="Failed regions"
        names={failed}
        chosen={chosen}
        onChoose={setChosen}
      />
    </VersionDialog>
  );
}

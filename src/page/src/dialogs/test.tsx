import { useState } from "preact/hooks";
import type { Schemas } from "@sigil/client";
import { Loading, useRead } from "../components/loaded.js";
import { RegionTicks } from "../components/tick.js";
import type { VersionActionProps } from "./action.js";
import { useVersionCall, VersionDialog } from "./version-dialog.js";

/** Makes a machine in each region, proves that it starts with its keys, and deletes it. */
export function TestDialog(props: VersionActionProps) {
  const { version } = props;
  const { client, path, header } = useVersionCall(props);
  const plan = useRead("planTest", { path });
  const [excluded, setExcluded] = useState<readonly string[]>([]);
  const planned = new Map((plan.value?.regions ?? []).map((one) => [one.name, one]));
  const names = [...planned.keys()];
  const chosen = names.filter((name) => !excluded.includes(name));
  return (
    <VersionDialog
      of={props}
      title={`Test ${version.name}?`}
      confirm="Test"
      disabled={chosen.length === 0}
      send={() =>
        client.call("testImageVersion", {
          path,
          header: header(chosen),
          body: { regions: chosen },
        })
      }
      sigil={["test", ...(excluded.length === 0 ? [] : ["--regions", ...chosen])]}
    >
      <Loading of={plan} text="Checking machine sizes and cost…">
        {() => (
          <>
            <p class="muted">
              Sigil creates a virtual machine from {version.name} in each chosen region, checks that
              it starts and that its disks use the version's keys, then deletes it. Azure bills each
              machine until it is deleted.
            </p>
            <RegionTicks
              legend="Regions"
              names={names}
              chosen={chosen}
              onChoose={(those) => setExcluded(names.filter((name) => !those.includes(name)))}
              textOf={(name) => plannedText(planned.get(name))}
            />
          </>
        )}
      </Loading>
    </VersionDialog>
  );
}

function plannedText(one: Schemas["TestPlan"]["regions"][number] | undefined): string {
  if (one === undefined) return "";
  const { name, machineSize, resourceGroupName, disks, cost, hindrance } = one;
  return [
    `${name}: ${machineSize} in ${resourceGroupName}, with ${disks.length === 1 ? "one disk" : `${disks.length} disks`}, deleted after at most ${one.atMostMinutes} minutes.`,
    `Cost: ${cost.message}`,
    ...(hindrance === undefined ? [] : [`Not possible now: ${hindrance.message}`]),
  ].join(" ");
}

import { useState } from "preact/hooks";
import { SameWithSigil } from "../components/command.js";
import { Dialog } from "../components/dialog.js";
import { useLoaded } from "../components/loaded.js";
import { Problem } from "../components/problem.js";
import { versionWords } from "../command-line.js";
import { useClient, useRequestKey } from "../context.js";
import type { VersionActionProps } from "./action.js";

/** Makes a machine in each region, proves that it starts with its keys, and deletes it. */
export function TestDialog({
  image,
  version,
  onAccepted,
  onClose,
}: Omit<VersionActionProps, "etag">) {
  const client = useClient();
  const keyOf = useRequestKey();
  const path = { ...image, versionName: version.name };
  const plan = useLoaded("test plan", async (signal) => {
    const { body } = await client.call("planTest", { path, signal });
    return body.regions;
  });
  const [excluded, setExcluded] = useState<readonly string[]>([]);
  const possible = plan.kind === "loaded" ? plan.value : [];
  const chosen = possible.filter(({ name }) => !excluded.includes(name));
  return (
    <Dialog
      title={`Test ${version.name}?`}
      confirm="Test"
      disabled={chosen.length === 0}
      onClose={onClose}
      onConfirm={async () => {
        const regions = chosen.map(({ name }) => name);
        const { body } = await client.call("testImageVersion", {
          path,
          header: { "Idempotency-Key": keyOf(regions) },
          body: { regions },
        });
        onAccepted(body);
      }}
    >
      {plan.kind === "loading" && <p role="status">Reading what it takes…</p>}
      {plan.kind === "failed" && <Problem error={plan.error} />}
      {plan.kind === "loaded" && (
        <>
          <p class="muted">
            In each chosen region a virtual machine is made from {version.name}.
            It is proven that it starts and that its disks have the keys of the
            version; then it is deleted. Azure bills the machines while they are
            there.
          </p>
          <fieldset>
            <legend>Regions</legend>
            {possible.map(
              ({
                name,
                machineSize,
                resourceGroupName,
                disks,
                atMostMinutes,
                hindrance,
                cost,
              }) => (
                <label key={name} class="choice">
                  <input
                    type="checkbox"
                    checked={!excluded.includes(name)}
                    onChange={(event) =>
                      setExcluded(
                        event.currentTarget.checked
                          ? excluded.filter((each) => each !== name)
                          : [...excluded, name],
                      )
                    }
                  />
                  {name}: {machineSize} in {resourceGroupName}, with{" "}
                  {disks.length === 1 ? "one disk" : `${disks.length} disks`},
                  deleted after {atMostMinutes} minutes at most. Cost:{" "}
                  {cost.message}
                  {hindrance !== undefined &&
                    ` No machine would be made now: ${hindrance.message}`}
                </label>
              ),
            )}
          </fieldset>
        </>
      )}
      <SameWithSigil
        words={[
          "image-version",
          "test",
          ...versionWords(image, version.name),
          ...(excluded.length === 0
            ? []
            : ["--regions", ...chosen.map(({ name }) => name)]),
        ]}
      />
    </Dialog>
  );
}

import type { Schemas } from "@sigil/client";
import { nameIn } from "../summaries.js";
import type { ImageName } from "../routes.js";
import { Loading, useRead } from "./loaded.js";
import { Findings } from "./problem.js";
import { Table } from "./table.js";
import { Time } from "./time.js";

type Use = Schemas["ImageUse"];

/** Who uses a version, as Azure Resource Graph knows it. */
export function useImageUse(image: ImageName, versionName: string) {
  return useRead("getImageUse", { path: { ...image, versionName } });
}

/** `112 machines, 3 scale sets`; `nobody` only where every subscription was seen. */
export function usedText({ scaleSets, machines, ephemeralMachines, notSeen }: Use): string {
  const machineCount = machines.count + ephemeralMachines.count;
  const counts = [
    ...(machineCount > 0 ? [counted(machineCount, "machine")] : []),
    ...(scaleSets.count > 0 ? [counted(scaleSets.count, "scale set")] : []),
  ];
  if (counts.length > 0) return `${counts.join(", ")}${notSeen.length > 0 ? ", perhaps more" : ""}`;
  return notSeen.length > 0 ? "not known" : "nobody";
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

export function UseDetails({
  image,
  version,
}: {
  readonly image: ImageName;
  readonly version: string;
}) {
  const use = useImageUse(image, version);
  return (
    <>
      <h3>
        Who uses it{" "}
        {use.value && (
          <span class="muted small">
            as of <Time value={use.value.time} lower />
          </span>
        )}
      </h3>
      <Loading of={use} text="Asking Azure…">
        {(value) => <Users use={value} />}
      </Loading>
    </>
  );
}

function Users({ use }: { readonly use: Use }) {
  const kinds = [
    ["Scale set", use.scaleSets],
    ["Machine with an ephemeral OS disk", use.ephemeralMachines],
    ["Virtual machine", use.machines],
  ] as const;
  const rows = kinds.flatMap(([kind, { first }]) =>
    first.map(({ id, region }) => ({ kind, id, region })),
  );
  const all = kinds.reduce((sum, [, { count }]) => sum + count, 0);
  return (
    <>
      {rows.length > 0 && (
        <Table caption="Who uses it" class="" columns={["Name", "Needs it"]}>
          {rows.map(({ kind, id, region }) => (
            <tr key={id}>
              <th scope="row" title={id}>
                {nameIn(id)}
                <small>
                  {kind} in {region}
                </small>
              </th>
              <td class="muted">
                {kind === "Virtual machine"
                  ? "runs on without it"
                  : "needs it for further instances"}
              </td>
            </tr>
          ))}
        </Table>
      )}
      <p class="muted small">
        {all > rows.length && `${all - rows.length} more. `}
        {all === 0 && use.notSeen.length === 0 && "Nobody uses it. "}
        Of {use.subscriptions.length}{" "}
        {use.subscriptions.length === 1 ? "subscription" : "subscriptions"}.
      </p>
      <Findings
        findings={[
          ...use.notSeen.map(({ code, message }) => ({
            code,
            message,
            pointer: "",
            severity: "warning" as const,
          })),
          ...use.warnings,
        ]}
      />
    </>
  );
}

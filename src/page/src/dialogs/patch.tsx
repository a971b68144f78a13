import { useState } from "preact/hooks";
import { turnedTexts } from "../change-text.js";
import { Command } from "../components/command.js";
import { Dialog } from "../components/dialog.js";
import { Loading, useRead } from "../components/loaded.js";
import { Findings } from "../components/problem.js";
import { NoLatestTick } from "../components/tick.js";
import { NO_LATEST } from "../no-latest.js";
import { allowNoLatest, type Condition, type VersionActionProps } from "./action.js";
import { useVersionCall, VersionDialog } from "./version-dialog.js";

/** The PATCH suggested by a condition. */
interface NamedPatch {
  readonly query: { readonly removeRegions?: string };
  readonly body: Record<string, unknown>;
}

const PATCH = /^PATCH [^\s?]+(?:\?(\S*))? (\{[\s\S]*\})$/u;

/** The request suggested by a condition, if it is a PATCH. */
export function patchOf({ whatToDo }: Condition): NamedPatch | undefined {
  const [, query = "", body] = PATCH.exec(whatToDo.request) ?? [];
  if (body === undefined) return undefined;
  const removeRegions = new URLSearchParams(query).get("removeRegions");
  try {
    return {
      query: { ...(removeRegions !== null && { removeRegions }) },
      body: JSON.parse(body) as Record<string, unknown>,
    };
  } catch {
    return undefined; // A very long request may be truncated. A person must send it.
  }
}

/** Sends the PATCH suggested by a condition, which restores the old values. */
export function PutBackDialog({
  condition,
  onAccepted,
  onClose,
  ...of
}: VersionActionProps & { readonly condition: Condition }) {
  const { client, path, seen, guarded } = useVersionCall(of);
  const [allowed, setAllowed] = useState(false);
  const patch = patchOf(condition);
  const asked = patch && {
    path,
    query: { ...patch.query, ...allowNoLatest(allowed) },
    body: patch.body,
  };
  const plan = useRead(
    "planImageVersion",
    asked && {
      ...asked,
      contentType: "application/merge-patch+json",
      header: { "If-Match": seen },
    },
  );
  if (asked === undefined) return null;
  const removed = patch?.query.removeRegions;
  const errors = plan.value?.findings.filter(({ severity }) => severity === "error");
  return (
    <Dialog
      title="Undo the change?"
      lead={condition.message}
      confirm="Undo the change"
      disabled={errors?.length !== 0}
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await client.call("patchImageVersion", {
          ...asked,
          query: { plan: "require", ...asked.query },
          header: guarded([patch, allowed]),
        });
        onAccepted(body);
      }}
    >
      <ul>
        {turnedTexts(asked.body, of.version).map((text) => (
          <li key={text}>{text}</li>
        ))}
        {removed && <li>{removed.replaceAll(",", ", ")} will be removed.</li>}
      </ul>
      <Loading of={plan} text="Checking what would change…">
        {({ findings }) => <Findings findings={findings} />}
      </Loading>
      {(allowed || errors?.some(({ code }) => code === NO_LATEST)) && (
        <NoLatestTick allowed={allowed} onAllow={setAllowed} />
      )}
      <details class="fold">
        <summary>Command line and JSON</summary>
        {condition.whatToDo.command !== undefined && <Command line={condition.whatToDo.command} />}
        <pre tabIndex={0}>{JSON.stringify(asked.body, null, 2)}</pre>
      </details>
    </Dialog>
  );
}

/** Refuses all deletions from now on, until an Admin removes the protection. */
export function ProtectDialog(props: VersionActionProps) {
  const { version } = props;
  const { client, path, guarded } = useVersionCall(props);
  const isProtected = version.sigil.protected === true;
  const becomes = !isProtected;
  return (
    <VersionDialog
      of={props}
      title={
        isProtected
          ? `Remove the protection of ${version.name}?`
          : `Protect ${version.name} from deletion?`
      }
      lead={
        isProtected
          ? "Anyone with ImageVersions.Write, and any retention policy, can then delete it."
          : "Sigil refuses to delete it until an Admin removes the protection. It can still be deleted directly in Azure."
      }
      confirm={isProtected ? "Remove protection" : "Protect"}
      send={() =>
        client.call("patchImageVersion", {
          path,
          header: guarded(becomes),
          body: { sigil: { protected: becomes } },
        })
      }
      sigil={["update", "--set", `sigil.protected=${becomes}`]}
    />
  );
}

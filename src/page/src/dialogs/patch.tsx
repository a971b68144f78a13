import { useState } from "preact/hooks";
import { Command } from "../components/command.js";
import { Dialog } from "../components/dialog.js";
import { NoLatestTick } from "../components/tick.js";
import {
  allowNoLatest,
  isNoLatest,
  type Condition,
  type VersionActionProps,
} from "./action.js";
import { useVersionCall, VersionDialog } from "./version-dialog.js";

/** The PATCH that a condition names. */
interface NamedPatch {
  readonly query: { readonly removeRegions?: string };
  readonly body: Record<string, unknown>;
}

const PATCH = /^PATCH [^\s?]+(?:\?(\S*))? (\{[\s\S]*\})$/u;

/** What a condition says to send, where that is a PATCH. */
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
    return undefined; // Cut, as a very long one may be: then a person sends it.
  }
}

/** Sends what a condition names: what was there before. */
export function PutBackDialog({
  condition,
  onAccepted,
  onClose,
  ...of
}: VersionActionProps & { readonly condition: Condition }) {
  const { client, path, guarded } = useVersionCall(of);
  const [allowed, setAllowed] = useState(false);
  const [refused, setRefused] = useState(false);
  const patch = patchOf(condition);
  if (patch === undefined) return null;
  return (
    <Dialog
      title="Put it back?"
      lead={condition.message}
      confirm="Put it back"
      onClose={onClose}
      onConfirm={async () => {
        try {
          const { body } = await client.call("patchImageVersion", {
            path,
            query: {
              plan: "require",
              ...patch.query,
              ...allowNoLatest(allowed),
            },
            header: guarded([patch, allowed]),
            body: patch.body,
          });
          onAccepted(body);
        } catch (error) {
          if (isNoLatest(error)) setRefused(true);
          throw error;
        }
      }}
    >
      <p>This is what is sent:</p>
      <pre tabIndex={0}>{JSON.stringify(patch.body, null, 2)}</pre>
      {refused && <NoLatestTick allowed={allowed} onAllow={setAllowed} />}
      {condition.whatToDo.command !== undefined && (
        <Command line={condition.whatToDo.command} />
      )}
    </Dialog>
  );
}

/** No deletion of it is accepted from then on; an Admin takes that off. */
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
          ? `Let ${version.name} be deleted again?`
          : `Protect ${version.name} from deletion?`
      }
      lead={
        isProtected
          ? "Whoever may write can delete it then, and a retention policy may."
          : "Sigil refuses every deletion of it until an Admin takes that off. In Azure itself it can still be deleted."
      }
      confirm={isProtected ? "Take protection off" : "Protect"}
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

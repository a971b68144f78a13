import { Dialog } from "../components/dialog.js";
import { useClient } from "../context.js";
import { kindName, type Operation } from "../operations.js";
import type { ActionProps } from "./action.js";

export function CancelDialog({
  operation,
  onAccepted,
  onClose,
}: ActionProps & { readonly operation: Operation }) {
  const client = useClient();
  return (
    <Dialog
      title={`Cancel the operation: ${kindName(operation.kind)}?`}
      lead={
        operation.status === "NotStarted"
          ? "It has not started. Unless it starts before you cancel, it changes nothing."
          : cancelEffect(operation)
      }
      confirm="Cancel the operation"
      leave="Keep it running"
      danger
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await client.call("cancelOperation", {
          path: { operationId: operation.id },
        });
        onAccepted(body);
      }}
      sigil={["operation", "cancel", operation.id]}
    />
  );
}

/** What becomes of what an operation of this kind has begun. */
function cancelEffect({ kind, regions }: Operation): string {
  const ready = regions.filter(({ state }) => state === "Completed").length;
  const goesOn = `Sigil stops working on it, but Azure may finish what it has started: ${ready} of ${regions.length} regions are ready.`;
  switch (kind) {
    case "CreateImageVersion":
      return `${goesOn} A version that was just created stays, excluded from latest, until you promote or delete it.`;
    case "RetryImageVersion":
      return `${goesOn} Sigil first adds back any region that it removed.`;
    case "DeleteImageVersion":
      return "If Sigil has not sent the deletion to Azure, nothing is deleted. If it has, Azure may complete the deletion, and Sigil stops following it.";
    case "RollBackImage":
      return "Versions already promoted or demoted stay so. The change in progress completes; no other version changes.";
    case "TestImageVersion":
      return "Sigil deletes the test machines first, and creates no more.";
    case "PrepareSubscription":
      return "Azure finishes the registrations in progress. Sigil requests no more.";
    case "PromoteImageVersion":
    case "DemoteImageVersion":
      return "Sigil stops working on it, but Azure may still apply a change already sent. Check the version afterwards.";
    default:
      return goesOn;
  }
}

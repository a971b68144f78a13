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
          ? "It has not begun: unless it begins meanwhile, nothing is changed for it."
          : cancelEffect(operation)
      }
      confirm="Cancel the operation"
      leave="Let it go on"
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
  const goesOn = `Sigil stops working on it. What Azure has begun is not undone: ${ready} of ${regions.length} regions are ready, and Azure may go on with the others.`;
  switch (kind) {
    case "CreateImageVersion":
      return `${goesOn} A version that was just created stays, excluded from latest, until somebody promotes or deletes it.`;
    case "RetryImageVersion":
      return `${goesOn} A region that was taken away is added back before it ends.`;
    case "DeleteImageVersion":
      return "Where Azure was not asked yet, nothing is deleted. Else Azure may carry the deletion out, and Sigil no longer follows it.";
    case "RollBackImage":
      return "What was promoted or demoted already stays. What is being done to a version goes on; nothing further is changed.";
    case "TestImageVersion":
      return "The machines that were made for it are deleted before it ends, and no more are made.";
    case "PrepareSubscription":
      return "Azure goes on registering what was requested. Sigil requests nothing more.";
    case "PromoteImageVersion":
    case "DemoteImageVersion":
      return "Sigil stops working on it. What was sent to Azure may still be carried out: the version shows whether.";
    default:
      return goesOn;
  }
}

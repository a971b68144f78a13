import { Dialog } from "../components/dialog.js";
import { Tick } from "../components/tick.js";
import { useClient } from "../context.js";
import { kindName, type Operation } from "../operations.js";
import { parseResourceId, type ImageName } from "../routes.js";
import { readyText } from "../region-state.js";
import { allowNoLatest, type ActionProps } from "./action.js";
import { useForecast, type Forecast } from "./forecast.js";
import { LatestTable } from "./latest-table.js";

type CancelProps = ActionProps & { readonly operation: Operation };

export function CancelDialog(props: CancelProps) {
  const { kind, status, resourceId } = props.operation;
  const { image, version } = parseResourceId(resourceId) ?? {};
  return kind === "CreateImageVersion" &&
    status === "Running" &&
    image !== undefined &&
    version !== undefined ? (
    <CancelCreation {...props} image={image} version={version} />
  ) : (
    <Confirm {...props} lead={effectOf(props.operation)} />
  );
}

/** What becomes of the latest of each region, of a version that Azure shows. */
function CancelCreation({
  image,
  version,
  ...props
}: CancelProps & { readonly image: ImageName; readonly version: string }) {
  const foretold = useForecast(image, version, "demote");
  const { live, noLatest } = foretold;
  const { regions = [] } = live.error === undefined ? (live.value ?? {}) : {};
  const isKept = ({ from, to }: Forecast["regions"][number]): boolean =>
    from !== undefined && to === undefined;
  return (
    <Confirm
      {...props}
      lead="Azure goes on with what it has accepted. The version stays, and leaves latest wherever another is ready."
      noLatest={noLatest}
    >
      {regions.length > 0 && (
        <LatestTable
          regions={regions.map((one) =>
            isKept(one) && !noLatest ? { ...one, to: `stays ${one.from}` } : one,
          )}
        />
      )}
      {regions.some(isKept) && (
        <Tick
          checked={noLatest}
          onChange={foretold.allowNoLatest}
          label="Remove it from latest there, too"
        />
      )}
    </Confirm>
  );
}

function Confirm({
  operation,
  onAccepted,
  onClose,
  lead,
  noLatest = false,
  children,
}: CancelProps &
  Pick<Parameters<typeof Dialog>[0], "lead" | "children"> & {
    readonly noLatest?: boolean;
  }) {
  const client = useClient();
  return (
    <Dialog
      title={`Cancel the operation: ${kindName(operation.kind)}?`}
      lead={lead}
      confirm="Cancel the operation"
      leave="Keep it running"
      danger
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await client.call("cancelOperation", {
          path: { operationId: operation.id },
          query: allowNoLatest(noLatest),
        });
        onAccepted(body);
      }}
      sigil={["operation", "cancel", operation.id, ...(noLatest ? ["--allow-no-latest"] : [])]}
    >
      {children}
    </Dialog>
  );
}

/** What becomes of what an operation of this kind has begun. */
function effectOf({ kind, regions, status }: Operation): string {
  if (status === "NotStarted")
    return "It has not started. Unless it starts before you cancel, it changes nothing.";
  const goesOn = `Sigil stops working on it, but Azure may finish what it has started: ${readyText(regions)}.`;
  switch (kind) {
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

import type { ComponentChildren, ComponentType } from "preact";
import { useState } from "preact/hooks";
import { Say } from "../components/box.js";
import { Fix } from "../components/command.js";
import { TagsDialog } from "../dialogs/tags.js";
import { useRead } from "../components/loaded.js";
import { Menu } from "../components/menu.js";
import { Ago } from "../components/time.js";
import { useMay, useMayCancel } from "../context.js";
import type { Condition, VersionActionProps } from "../dialogs/action.js";
import { ApproveDialog } from "../dialogs/approval.js";
import { CancelDialog } from "../dialogs/cancel.js";
import { DeleteDialog } from "../dialogs/deletion.js";
import { ProtectDialog, PutBackDialog } from "../dialogs/patch.js";
import { DemoteDialog, PromoteDialog } from "../dialogs/promotion.js";
import { RetryDialog } from "../dialogs/retry.js";
import { RevokeDialog, UnrevokeDialog } from "../dialogs/revocation.js";
import { RollbackDialog } from "../dialogs/rollback.js";
import { TestDialog } from "../dialogs/test.js";
import { Link } from "../navigation.js";
import type { Operation } from "../operations.js";
import { headlinesOf, type Deed, type Headline } from "./headline.js";
import { errorsIn } from "../dialogs/forecast.js";
import { offersOf, type Offer } from "./offered.js";

/** A version, and its last operation. */
export interface VersionProps extends Omit<VersionActionProps, "onClose"> {
  readonly operation: Operation | undefined;
  readonly etag: string;
  /** Reads Azure now. */
  readonly refresh: () => void;
}

/** What has a dialog. */
type Act = Exclude<Offer, "change"> | "putBack";

interface Asked {
  readonly act: Act;
  /** What it is about. */
  readonly condition?: Condition | undefined;
}

type AskedProps = VersionProps & VersionActionProps & Pick<Asked, "condition">;

const DIALOGS: Readonly<Record<Act, ComponentType<AskedProps>>> = {
  promote: PromoteDialog,
  demote: DemoteDialog,
  rollback: (props) => (
    <RollbackDialog {...props} to={props.version.name} versions={[props.version.name]} />
  ),
  approve: ofCondition(ApproveDialog),
  test: TestDialog,
  retry: RetryDialog,
  tags: TagsDialog,
  protect: ProtectDialog,
  unprotect: ProtectDialog,
  cancel: ({ operation, ...props }) =>
    operation ? <CancelDialog {...props} operation={operation} /> : null,
  unrevoke: UnrevokeDialog,
  revoke: RevokeDialog,
  delete: DeleteDialog,
  putBack: ofCondition(PutBackDialog),
};

function ofCondition(
  Dialog: ComponentType<VersionActionProps & { readonly condition: Condition }>,
): ComponentType<AskedProps> {
  return ({ condition, ...props }) =>
    condition ? <Dialog {...props} condition={condition} /> : null;
}

/** In the order of the menu; the deletion is apart, at its end. */
const MENU: readonly (readonly [Act & Offer, text: string])[] = [
  ["promote", "Promote…"],
  ["demote", "Exclude from latest…"],
  ["rollback", "Roll back to this version…"],
  ["test", "Test…"],
  ["retry", "Retry failed regions…"],
  ["tags", "Tags and end of life…"],
  ["protect", "Protect from deletion…"],
  ["unprotect", "Remove protection…"],
  ["cancel", "Cancel the operation…"],
  ["revoke", "Revoke…"],
  ["unrevoke", "Lift the revocation…"],
];

/** What may be done to the version: its buttons and headlines, and the dialog that asks before it is done. */
export function useActions(props: VersionProps): {
  readonly buttons: ComponentChildren;
  readonly headlines: ComponentChildren;
  readonly dialog: ComponentChildren;
} {
  const { image, version, operation } = props;
  const offers = useOffers(props);
  const [asked, setAsked] = useState<Asked>();
  const Dialog = asked && DIALOGS[asked.act];
  const offered = MENU.filter(([act]) => offers.has(act));
  const lines = headlinesOf(version, operation);
  const refusal = useRefusal(
    props,
    offers.has("promote") && lines.some(({ deed }) => deed?.does.kind === "promote"),
  );
  const does = ({ kind, condition }: Deed): (() => void) | undefined => {
    if (kind === "refresh") return props.refresh;
    if (kind === "tests") return () => goTo(kind);
    return offers.has(kind === "putBack" ? "change" : kind)
      ? () => setAsked({ act: kind, condition })
      : undefined;
  };
  return {
    buttons: (
      <>
        {offers.has("change") && (
          <Link to={{ view: "create", image, version: version.name }} class="button no-print">
            Change
          </Link>
        )}
        {(offers.has("change") || offered.length > 0) && (
          <Menu label="More actions" text="⋯">
            {offered.map(([act, text]) => (
              <button key={act} type="button" onClick={() => setAsked({ act })}>
                {text}
              </button>
            ))}
            {offers.has("change") && (
              <Link to={{ view: "create", image }} query={`?from=${version.name}`}>
                New version from this one
              </Link>
            )}
            {offers.has("delete") && (
              <>
                <hr />
                <button type="button" class="danger" onClick={() => setAsked({ act: "delete" })}>
                  Delete…
                </button>
              </>
            )}
            {version.sigil.protected === true && (
              <button type="button" disabled>
                Delete… (protected)
              </button>
            )}
          </Menu>
        )}
      </>
    ),
    headlines: lines.map((line, index) => (
      <Line
        key={line.title}
        line={line}
        isFirst={index === 0}
        onDo={line.deed && does(line.deed.does)}
        refusal={line.deed?.does.kind === "promote" ? refusal : undefined}
      />
    )),
    dialog: Dialog && (
      <Dialog {...props} condition={asked?.condition} onClose={() => setAsked(undefined)} />
    ),
  };
}

function goTo(id: string): void {
  const target = document.getElementById(id);
  target?.scrollIntoView();
  target?.focus();
}

function Line({
  line: { tile, title, text, deed, fix, seenTime },
  isFirst,
  onDo,
  refusal,
}: {
  readonly line: Headline;
  readonly isFirst: boolean;
  /** Absent where it may not be done. */
  readonly onDo: (() => void) | undefined;
  /** Why the service would refuse it now. */
  readonly refusal: string | undefined;
}) {
  return (
    <Say
      tile={tile}
      title={title}
      aside={
        <>
          {" "}
          {seenTime !== undefined && (
            <span class="muted small nowrap">
              seen <Ago value={seenTime} />
            </span>
          )}
          {deed && onDo && (
            <button
              type="button"
              class={isFirst && deed.does.kind !== "refresh" ? "primary no-print" : "no-print"}
              aria-disabled={refusal !== undefined}
              onClick={() => refusal === undefined && onDo()}
            >
              {deed.name}
            </button>
          )}
        </>
      }
    >
      <p>{text}</p>
      {fix !== undefined && <Fix text={fix} label={title} />}
      {refusal !== undefined && (
        <p>
          <b>Not yet possible:</b> {refusal}
        </p>
      )}
    </Say>
  );
}

/** Why the service would refuse a promotion: asked again whenever the version or its keys are otherwise. */
function useRefusal({ image, version, etag }: VersionProps, isWanted: boolean): string | undefined {
  const { state, problems = [] } = version.sigil.keys ?? {};
  const codes = problems.map(({ code, diskEncryptionSetId }) => code + diskEncryptionSetId);
  const path = { ...image, versionName: version.name };
  const { value } = useRead(
    "getForecast",
    isWanted ? { path, query: { of: "promote" } } : undefined,
    [etag, state, ...codes].join(" "),
  );
  return value && errorsIn(value)[0]?.message;
}

function useOffers({ image, version, operation }: VersionProps): ReadonlySet<Offer> {
  const mayWrite = useMay("Write");
  const profile = useRead("getTestProfile", mayWrite ? { path: { ...image } } : undefined);
  return offersOf(version, {
    operation,
    mayWrite,
    mayAdmin: useMay("Admin"),
    mayApprove: useMay("Approve"),
    mayCancel: useMayCancel(operation),
    hasTestProfile: profile.value !== undefined,
    nowMs: Date.now(),
  });
}

import { useState } from "preact/hooks";
import type { Schemas } from "@sigil/client";
import { Command } from "../components/command.js";
import { lazy } from "../components/lazy.js";
import { useLoaded } from "../components/loaded.js";
import { Menu } from "../components/menu.js";
import { Tile } from "../components/tile.js";
import { useClient, useMay, useMayCancel } from "../context.js";
import type { ActionProps, Version } from "../dialogs/action.js";
import { CancelDialog } from "../dialogs/cancel.js";
import { DeleteDialog } from "../dialogs/deletion.js";
import { ProtectDialog, PutBackDialog } from "../dialogs/patch.js";
import { DemoteDialog, PromoteDialog } from "../dialogs/promotion.js";
import { RetryDialog } from "../dialogs/retry.js";
import { RevokeDialog, UnrevokeDialog } from "../dialogs/revocation.js";
import { RollbackDialog } from "../dialogs/rollback.js";
import type { TagsDialog as Tags } from "../dialogs/tags.js";
import { TestDialog } from "../dialogs/test.js";
import { Link } from "../navigation.js";
import type { Operation } from "../operations.js";
import { imageKey, type ImageName } from "../routes.js";
import { headlinesOf, type Deed, type Headline } from "./headline.js";
import { offersOf, type Offer } from "./offered.js";

const TagsDialog = lazy<Parameters<typeof Tags>[0]>(
  async () => (await import("../dialogs/tags.js")).TagsDialog,
);

interface VersionProps {
  readonly image: ImageName;
  readonly version: Version;
  readonly etag: string;
  readonly operation: Operation | undefined;
  readonly onAccepted: ActionProps["onAccepted"];
}

export function Headlines({
  image,
  version,
  etag,
  operation,
  onAccepted,
}: VersionProps) {
  const offers = useOffers(image, version, operation);
  const [deed, setDeed] = useState<Deed>();
  const lines = headlinesOf(version, operation);
  const mayDo = ({ kind }: Deed): boolean =>
    kind === "keys" ||
    kind === "tests" ||
    (kind === "putBack" ? offers.has("change") : offers.has(kind));
  const act = (does: Deed): void => {
    if (does.kind !== "keys" && does.kind !== "tests") return setDeed(does);
    const target = document.getElementById(does.kind);
    target?.scrollIntoView();
    target?.focus();
  };
  return (
    <>
      {lines.map((line, index) => (
        <Line
          key={line.title}
          line={line}
          isFirst={index === 0}
          mayDo={line.deed !== undefined && mayDo(line.deed.does)}
          onDo={act}
        />
      ))}
      <VersionDialog
        image={image}
        version={version}
        etag={etag}
        operation={operation}
        open={deed}
        onClose={() => setDeed(undefined)}
        onAccepted={onAccepted}
      />
    </>
  );
}

function Line({
  line: { tile, title, text, deed, command },
  isFirst,
  mayDo,
  onDo,
}: {
  readonly line: Headline;
  readonly isFirst: boolean;
  readonly mayDo: boolean;
  readonly onDo: (deed: Deed) => void;
}) {
  return (
    <div class="say">
      <Tile state={tile} big={isFirst} />
      <div>
        <h2>{title}</h2>
        <p>{text}</p>
        {command !== undefined && (
          <details>
            <summary class="small">The same with sigil</summary>
            <Command line={command} />
          </details>
        )}
      </div>
      {deed && mayDo && (
        <button
          type="button"
          class={isFirst ? "primary no-print" : "no-print"}
          onClick={() => onDo(deed.does)}
        >
          {deed.name}
        </button>
      )}
    </div>
  );
}

function useOffers(
  image: ImageName,
  version: Version,
  operation: Operation | undefined,
): ReadonlySet<Offer> {
  const client = useClient();
  const mayWrite = useMay("Write");
  const profile = useLoaded<Schemas["StoredTestProfile"] | undefined>(
    `profile ${imageKey(image)} ${mayWrite}`,
    async (signal) => {
      if (!mayWrite) return undefined;
      const { body } = await client.call("getTestProfile", {
        path: { ...image },
        signal,
      });
      return body;
    },
  );
  return offersOf(version, {
    operation,
    mayWrite,
    mayAdmin: useMay("Admin"),
    hasTestProfile: profile.kind === "loaded" && profile.value !== undefined,
    nowMs: Date.now(),
  });
}

type Asked = Deed | { readonly kind: Exclude<Offer, "change"> | "cancel" };

/** What asks before it is done. */
function VersionDialog({
  open,
  operation,
  onClose,
  onAccepted,
  ...of
}: VersionProps & {
  readonly open: Asked | undefined;
  readonly onClose: () => void;
}) {
  if (open === undefined) return null;
  const props = {
    ...of,
    onClose,
    onAccepted: (begun: Operation) => {
      onClose();
      onAccepted(begun);
    },
  };
  const { name } = of.version;
  switch (open.kind) {
    case "promote":
      return <PromoteDialog {...props} />;
    case "demote":
      return <DemoteDialog {...props} />;
    case "rollback":
      return <RollbackDialog {...props} to={name} versions={[name]} />;
    case "test":
      return <TestDialog {...props} />;
    case "retry":
      return <RetryDialog {...props} />;
    case "tags":
      return <TagsDialog {...props} />;
    case "protect":
    case "unprotect":
      return <ProtectDialog {...props} />;
    case "revoke":
      return <RevokeDialog {...props} />;
    case "unrevoke":
      return <UnrevokeDialog {...props} />;
    case "delete":
      return <DeleteDialog {...props} />;
    case "putBack":
      return (
        <PutBackDialog
          {...props}
          condition={open.condition}
          patch={open.patch}
        />
      );
    case "cancel":
      return operation ? (
        <CancelDialog {...props} operation={operation} />
      ) : null;
    case "keys":
    case "tests":
      return null;
  }
}

/** The one button, and the rest in a menu; what would be refused is not there. */
export function Actions({
  image,
  version,
  etag,
  operation,
  onAccepted,
}: VersionProps) {
  const offers = useOffers(image, version, operation);
  const mayCancel = useMayCancel(operation);
  const [open, setOpen] = useState<Asked>();
  const item = (
    kind: Exclude<Offer, "change"> | "cancel",
    text: string,
    className?: string,
  ) =>
    (kind === "cancel" ? mayCancel : offers.has(kind)) && (
      <button type="button" class={className} onClick={() => setOpen({ kind })}>
        {text}
      </button>
    );
  return (
    <>
      {offers.has("change") && (
        <Link
          to={{ view: "create", image, version: version.name }}
          class="button no-print"
        >
          Change
        </Link>
      )}
      {(offers.size > 1 || mayCancel) && (
        <Menu label="More actions" text="⋯">
          {item("promote", "Promote…")}
          {item("demote", "Exclude from latest…")}
          {item("rollback", "Roll back to this version…")}
          {item("test", "Test…")}
          {item("retry", "Retry failed regions…")}
          {item("tags", "Tags and end of life…")}
          {item("protect", "Protect from deletion…")}
          {item("unprotect", "Take protection off…")}
          {item("cancel", "Cancel the operation…")}
          {item("unrevoke", "Lift the revocation…")}
          {(offers.has("delete") || offers.has("revoke")) && <hr />}
          {item("revoke", "Take it back…", "danger")}
          {item("delete", "Delete…", "danger")}
        </Menu>
      )}
      <VersionDialog
        image={image}
        version={version}
        etag={etag}
        operation={operation}
        open={open}
        onClose={() => setOpen(undefined)}
        onAccepted={onAccepted}
      />
    </>
  );
}

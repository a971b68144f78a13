import { useState } from "preact/hooks";
import { read } from "../components/loaded.js";
import { NotFoundError, type Schemas } from "@sigil/client";
import { Card } from "../components/card.js";
import { Dialog } from "../components/dialog.js";
import { Crumbs, Head } from "../components/head.js";
import { Table } from "../components/table.js";
import { Time } from "../components/time.js";
import { Who } from "../components/who.js";
import { imageWords } from "../command-line.js";
import { useClient, useMay } from "../context.js";
import { useLive } from "../live.js";
import { Link } from "../navigation.js";
import { imageKey, type ImageName } from "../routes.js";

type Retention = Schemas["Retention"];
type Policy = Schemas["RetentionPolicy"];

const EVERY_MS = 60_000;

/** What a policy deletes of an image definition's versions, and why; what it keeps, and why. */
export function RetentionView({ image }: { readonly image: ImageName }) {
  const client = useClient();
  const mayAdmin = useMay("Admin");
  const [open, setOpen] = useState<"set" | "delete" | "remove">();
  const live = useLive<{ readonly retention: Retention | undefined }>(
    `retention ${imageKey(image)}`,
    async (_, signal) => {
      try {
        const body = await read(client, "getRetentionPolicy", {
          path: { ...image },
          signal,
        });
        return { retention: body };
      } catch (error) {
        if (error instanceof NotFoundError) return { retention: undefined };
        throw error;
      }
    },
    () => EVERY_MS,
  );
  const retention = live.value?.retention;
  const props = {
    image,
    onClose: () => setOpen(undefined),
    onDone: live.refresh,
  };
  return (
    <>
      <Head
        title={`Retention of ${image.imageName}`}
        crumbs={<Crumbs gallery={image} image={image} />}
        live={live}
      >
        {mayAdmin && live.value && (
          <>
            <button type="button" onClick={() => setOpen("set")}>
              {retention ? "Other rules…" : "Set rules…"}
            </button>
            {retention && (
              <button type="button" onClick={() => setOpen("remove")}>
                Remove the policy…
              </button>
            )}
            {retention?.policy.mode === "dryRun" && (
              <button type="button" class="danger" onClick={() => setOpen("delete")}>
                Delete by these rules…
              </button>
            )}
          </>
        )}
      </Head>
      {live.value && retention === undefined && (
        <section class="card">
          <div class="empty">
            <h2>No retention policy</h2>
            <p>Nothing is deleted by itself.</p>
          </div>
        </section>
      )}
      {retention && <Details image={image} retention={retention} />}
      {open === "set" && <SetDialog {...props} policy={retention?.policy} />}
      {open === "delete" && retention && <DeleteDialog {...props} retention={retention} />}
      {open === "remove" && <RemoveDialog {...props} />}
    </>
  );
}

function Details({
  image,
  retention,
}: {
  readonly image: ImageName;
  readonly retention: Retention;
}) {
  const { policy, deletions, kept, unknown, evaluatedTime } = retention;
  return (
    <>
      <p>
        {rulesText(policy)}{" "}
        {policy.mode === "dryRun" ? (
          <strong>Dry run: nothing is deleted.</strong>
        ) : (
          <strong>What is listed is deleted, hour by hour.</strong>
        )}{" "}
        Set <Time value={policy.setTime} lower /> by <Who requester={policy.setBy} />. Evaluated{" "}
        <Time value={evaluatedTime} lower />.
      </p>
      <Decisions
        image={image}
        title={policy.mode === "dryRun" ? "Would be deleted" : "To be deleted"}
        decisions={deletions}
      />
      <Decisions image={image} title="Kept" decisions={kept} />
      {unknown.length > 0 && (
        <>
          <h2>Not touched</h2>
          <p>
            Sigil was never asked for these: {unknown.slice(0, 200).join(", ")}
            {unknown.length > 200 && ` and ${unknown.length - 200} more`}.
          </p>
        </>
      )}
    </>
  );
}

function Decisions({
  image,
  title,
  decisions,
}: {
  readonly image: ImageName;
  readonly title: string;
  readonly decisions: readonly Schemas["RetentionDecision"][];
}) {
  const shown = decisions.slice(0, 140);
  return (
    <Card id={title.toLowerCase().replaceAll(" ", "-")} title={`${title} (${decisions.length})`}>
      {shown.length > 0 && (
        <Table caption={title} columns={["Version", "Why"]}>
          {shown.map(({ name, code, reason }) => (
            <tr key={name}>
              <th scope="row">
                <Link to={{ view: "version", image, version: name }}>{name}</Link>
              </th>
              <td>
                <code>{code}</code> {reason}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {decisions.length > shown.length && (
        <p class="pad">{decisions.length - shown.length} more.</p>
      )}
    </Card>
  );
}

interface ChangeProps {
  readonly image: ImageName;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function SetDialog({
  image,
  policy,
  onClose,
  onDone,
}: ChangeProps & { readonly policy: Policy | undefined }) {
  const client = useClient();
  const [newest, setNewest] = useState(String(policy?.keepNewestPromoted ?? ""));
  const [days, setDays] = useState(String(policy?.deleteAfterEndOfLifeDays ?? ""));
  const body = {
    ...(newest !== "" && { keepNewestPromoted: Number(newest) }),
    ...(days !== "" && { deleteAfterEndOfLifeDays: Number(days) }),
    mode: "dryRun" as const,
  };
  return (
    <Dialog
      title="Retention rules"
      confirm="Set as a dry run"
      disabled={newest === "" && days === ""}
      onClose={onClose}
      onConfirm={async () => {
        await client.call("putRetentionPolicy", { path: { ...image }, body });
        onDone();
      }}
      sigil={setWords(image, body)}
    >
      <p>
        Rules begin as a dry run: nothing is deleted, and this view shows what would be, and why.
      </p>
      <label class="field">
        Keep the newest promoted versions, so many
        <input
          type="number"
          min={1}
          max={1_000}
          value={newest}
          onInput={(event) => setNewest(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        Delete so many days after the end of life
        <input
          type="number"
          min={0}
          max={3_650}
          value={days}
          onInput={(event) => setDays(event.currentTarget.value)}
        />
      </label>
    </Dialog>
  );
}

function DeleteDialog({
  image,
  retention,
  onClose,
  onDone,
}: ChangeProps & { readonly retention: Retention }) {
  const client = useClient();
  const { keepNewestPromoted, deleteAfterEndOfLifeDays } = retention.policy;
  const body = {
    ...(keepNewestPromoted !== undefined && { keepNewestPromoted }),
    ...(deleteAfterEndOfLifeDays !== undefined && { deleteAfterEndOfLifeDays }),
    mode: "delete" as const,
  };
  return (
    <Dialog
      title="Delete by these rules"
      confirm="Delete from now on"
      danger
      onClose={onClose}
      onConfirm={async () => {
        await client.call("putRetentionPolicy", { path: { ...image }, body });
        onDone();
      }}
      sigil={setWords(image, body)}
    >
      <p>
        {rulesText(retention.policy)} Now that is{" "}
        {retention.deletions.length === 0
          ? "no version"
          : retention.deletions.map(({ name }) => name).join(", ")}
        . At most 10 are deleted in an hour. That cannot be undone.
      </p>
    </Dialog>
  );
}

function RemoveDialog({ image, onClose, onDone }: ChangeProps) {
  const client = useClient();
  return (
    <Dialog
      title="Remove the policy"
      confirm="Remove"
      onClose={onClose}
      onConfirm={async () => {
        await client.call("deleteRetentionPolicy", { path: { ...image } });
        onDone();
      }}
      sigil={["retention", "delete", ...imageWords(image)]}
    >
      <p>Nothing is deleted by itself from then on.</p>
    </Dialog>
  );
}

function setWords(
  image: ImageName,
  {
    keepNewestPromoted: newest,
    deleteAfterEndOfLifeDays: days,
    mode,
  }: Pick<Policy, "keepNewestPromoted" | "deleteAfterEndOfLifeDays" | "mode">,
): readonly string[] {
  return [
    ...["retention", "set", ...imageWords(image)],
    ...(newest === undefined ? [] : ["--keep-newest-promoted", `${newest}`]),
    ...(days === undefined ? [] : ["--delete-after-end-of-life-days", `${days}`]),
    ...["--mode", mode],
  ];
}

function rulesText({ keepNewestPromoted, deleteAfterEndOfLifeDays }: Policy): string {
  return [
    ...(keepNewestPromoted === undefined
      ? []
      : [`Of the promoted versions the newest ${keepNewestPromoted} are kept.`]),
    ...(deleteAfterEndOfLifeDays === undefined
      ? []
      : [`A version is deleted ${deleteAfterEndOfLifeDays} days after its end of life.`]),
  ].join(" ");
}

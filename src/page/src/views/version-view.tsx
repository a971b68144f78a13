import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { statusOf, type Schemas } from "@sigil/client";
import {
  CancelDialog,
  DeleteDialog,
  PromotionDialog,
  RetryDialog,
  RollbackDialog,
  TestDialog,
  type ActionProps,
  type Version,
} from "../actions.js";
import { Changes } from "../components/changes.js";
import { ImageHeading } from "../components/image-heading.js";
import { LiveBar } from "../components/live-bar.js";
import {
  Audit,
  History,
  Outcome,
  RegionsTable,
  TestsTable,
  requesterText,
} from "../components/operation-details.js";
import { Findings } from "../components/problem.js";
import { conditionName, State } from "../components/state.js";
import { Table } from "../components/table.js";
import { EndOfLife, Time } from "../components/time.js";
import { useClient, useMay, useMayCancel } from "../context.js";
import { useLive } from "../live.js";
import { BUSY_MS, IDLE_MS } from "../retry.js";
import { Link } from "../navigation.js";
import { isRunning, kindName, type Operation } from "../operations.js";
import { imageKey, parseResourceId, type ImageName } from "../routes.js";
import { ENCRYPTION_NAMES, isOpen, nameIn } from "../summaries.js";

interface Shown {
  readonly version: Version;
  readonly etag: string;
  /** The last one, with its calls; absent where Sigil was never asked for one. */
  readonly operation: Operation | undefined;
}

/** One version: each region, each disk's key, what was done, and what may be. */
export function VersionView({
  image,
  version: name,
}: {
  readonly image: ImageName;
  readonly version: string;
}) {
  const client = useClient();
  const live = useLive<Shown>(
    `${imageKey(image)} ${name}`,
    async (_, signal) => {
      const { headers, body } = await client.call("getImageVersion", {
        path: { ...image, versionName: name },
        signal,
      });
      const { operationId } = body.sigil;
      const operation =
        operationId === undefined
          ? undefined
          : await client.call("getOperation", {
              path: { operationId },
              query: { expand: "calls" },
              signal,
            });
      return {
        version: body,
        etag: headers.get("etag") ?? "",
        operation: operation?.body,
      };
    },
    ({ version, operation }) =>
      isOpen(version.sigil.state) ||
      (operation !== undefined && isRunning(operation))
        ? BUSY_MS
        : IDLE_MS,
  );
  return (
    <>
      <ImageHeading
        image={image}
        current="version"
        title={`${image.imageName} ${name}`}
      />
      <LiveBar live={live} />
      {live.value && (
        <Details image={image} shown={live.value} refresh={live.refresh} />
      )}
    </>
  );
}

const KEYS = {
  AtRisk: "At risk",
  Unknown: "Not all could be seen",
  Safe: "Safe",
} as const;

function Details({
  image,
  shown: { version, etag, operation },
  refresh,
}: {
  readonly image: ImageName;
  readonly shown: Shown;
  readonly refresh: () => void;
}) {
  const [accepted, setAccepted] = useState<Operation>();
  const { properties, sigil } = version;
  const profile = properties.publishingProfile;
  return (
    <>
      <Actions
        image={image}
        version={version}
        etag={etag}
        operation={operation}
        accepted={accepted}
        onAccepted={(begun) => {
          setAccepted(begun);
          refresh();
        }}
      />
      <Findings
        findings={[
          ...(sigil.warnings ?? []),
          ...(sigil.keys?.problems ?? []).map(({ regions, ...problem }) => ({
            ...problem,
            pointer: "",
            message: `${problem.message} It encrypts the version in ${regions.join(", ")}.`,
          })),
        ]}
      />
      <dl class="facts">
        <Fact name="State">
          <State state={sigil.state ?? properties.provisioningState} /> (in
          Azure: {properties.provisioningState})
        </Fact>
        <Fact name="Latest">
          {sigil.latest
            ? "Yes"
            : sigil.latestIn.length > 0
              ? `In ${sigil.latestIn.join(", ")}`
              : "No"}
          {profile.excludeFromLatest === true && ", excluded"}
        </Fact>
        {sigil.promotion && (
          <Fact name="Promotion rule">
            {sigil.promotion.when} {(sigil.promotion.regions ?? []).join(", ")}
          </Fact>
        )}
        {sigil.rollout && (
          <Fact name={`Promotion: ${sigil.rollout.state}`}>
            {sigil.rollout.message}
          </Fact>
        )}
        {sigil.protected === true && (
          <Fact name="Protected">
            Not deleted until an Admin takes that off
          </Fact>
        )}
        {sigil.keys && (
          <Fact name="Keys">
            {KEYS[sigil.keys.state]}
            {sigil.keys.lookedTime !== undefined && (
              <>
                {", looked at "}
                <Time value={sigil.keys.lookedTime} />
              </>
            )}
            {sigil.keys.notSeen.map(({ diskEncryptionSetId, message }) => (
              <div key={diskEncryptionSetId} class="sub">
                {message}
              </div>
            ))}
          </Fact>
        )}
        {sigil.conditions?.map(({ type, message, since, whatToDo }) => (
          <Fact key={type} name={conditionName(type)}>
            {message}
            {since !== undefined && (
              <>
                {" Since "}
                <Time value={since} />.
              </>
            )}
            <div class="sub">
              {whatToDo.sentence}{" "}
              <code>{whatToDo.command ?? whatToDo.request}</code>
            </div>
          </Fact>
        ))}
        <Fact name="Created by">
          {sigil.managedBy === "Sigil" ? "Sigil" : "Others, outside Sigil"}
        </Fact>
        {profile.publishedDate !== undefined && (
          <Fact name="Published">
            <Time value={profile.publishedDate} />
          </Fact>
        )}
        {profile.endOfLifeDate !== undefined && (
          <Fact name="End of life">
            <EndOfLife date={profile.endOfLifeDate} />
          </Fact>
        )}
        <Fact name="Source">
          {sourcesOf(version).map((id) => (
            <div key={id} title={id}>
              {id.split("/").slice(-2).join("/")}
            </div>
          ))}
        </Fact>
        {Object.entries(version.tags ?? {}).map(([name, value]) => (
          <Fact key={name} name={`Tag ${name}`}>
            {value}
          </Fact>
        ))}
      </dl>
      {operation && <Outcome operation={operation} />}
      <h2>Regions</h2>
      <RegionsTable regions={sigil.regions} operation={operation} />
      <h2>Keys</h2>
      <Encryption version={version} />
      {(sigil.pending ?? []).length > 0 && (
        <>
          <h2>Requested, not in Azure yet</h2>
          <Changes changes={sigil.pending ?? []} />
        </>
      )}
      {operation && (
        <>
          <h2>
            History of the last operation:{" "}
            <Link to={{ view: "operation", operationId: operation.id }}>
              {kindName(operation.kind)}
            </Link>
          </h2>
          <History operation={operation} />
          <Audit operation={operation} />
        </>
      )}
      <h2>Operations</h2>
      <Operations image={image} version={version} accepted={accepted} />
      {properties.validationsProfile !== undefined && (
        <>
          <h2>Azure's validations</h2>
          <pre>{JSON.stringify(properties.validationsProfile, null, 2)}</pre>
        </>
      )}
    </>
  );
}

type Action =
  "promote" | "demote" | "rollback" | "retry" | "test" | "cancel" | "delete";

function Actions({
  image,
  version,
  etag,
  operation,
  accepted,
  onAccepted,
}: {
  readonly image: ImageName;
  readonly version: Version;
  readonly etag: string;
  readonly operation: Operation | undefined;
  /** What was asked for here last. */
  readonly accepted: Operation | undefined;
  readonly onAccepted: ActionProps["onAccepted"];
}) {
  const mayWrite = useMay("Write");
  const mayCancel = useMayCancel(operation);
  const [open, setOpen] = useState<Action>();
  const excluded =
    version.properties.publishingProfile.excludeFromLatest === true;
  // What an operation repairs now needs nobody; what waits is brought forward.
  const mayRetry = version.sigil.regions.some(
    ({ state, nextAttemptTime }) =>
      state === "Failed" &&
      (operation === undefined ||
        !isRunning(operation) ||
        nextAttemptTime !== undefined),
  );
  const props: ActionProps = {
    onClose: () => setOpen(undefined),
    onAccepted: (begun) => {
      setOpen(undefined);
      onAccepted(begun);
    },
  };
  const versionProps = { ...props, image, version, etag };
  return (
    <>
      {(mayWrite || mayCancel) && (
        <div class="actions no-print" role="group" aria-label="Actions">
          {mayWrite && (
            <>
              <Link
                to={{ view: "create", image, version: version.name }}
                class="button"
              >
                Change or add regions
              </Link>
              {excluded ? (
                <button type="button" onClick={() => setOpen("promote")}>
                  Promote
                </button>
              ) : (
                <button type="button" onClick={() => setOpen("demote")}>
                  Exclude from latest
                </button>
              )}
              {!version.sigil.latest && (
                <button type="button" onClick={() => setOpen("rollback")}>
                  Roll back to this version
                </button>
              )}
              <button type="button" onClick={() => setOpen("test")}>
                Test
              </button>
              {mayRetry && (
                <button type="button" onClick={() => setOpen("retry")}>
                  Retry failed regions
                </button>
              )}
            </>
          )}
          {mayCancel && (
            <button type="button" onClick={() => setOpen("cancel")}>
              Cancel the operation
            </button>
          )}
          {mayWrite && (
            <button
              type="button"
              class="danger"
              onClick={() => setOpen("delete")}
            >
              Delete
            </button>
          )}
        </div>
      )}
      <div role="status">
        {accepted && (
          <p>
            Accepted:{" "}
            <Link to={{ view: "operation", operationId: accepted.id }}>
              {kindName(accepted.kind)}
            </Link>
          </p>
        )}
      </div>
      {(open === "promote" || open === "demote") && (
        <PromotionDialog {...versionProps} promote={open === "promote"} />
      )}
      {open === "rollback" && (
        <RollbackDialog
          {...props}
          image={image}
          to={version.name}
          versions={[version.name]}
        />
      )}
      {open === "test" && <TestDialog {...versionProps} />}
      {open === "retry" && <RetryDialog {...versionProps} />}
      {open === "delete" && <DeleteDialog {...versionProps} />}
      {open === "cancel" && operation && (
        <CancelDialog {...props} operation={operation} />
      )}
    </>
  );
}

type Encrypted = Schemas["RegionEncryption"];

/** Each disk in each region: its type, and the set that holds its key. */
function Encryption({ version }: { readonly version: Version }) {
  const { regions } = version.sigil;
  const luns = [
    ...new Set(
      regions.flatMap(({ encryption }) =>
        encryption.dataDiskImages.map(({ lun }) => lun),
      ),
    ),
  ].sort((a, b) => a - b);
  const disks: readonly {
    readonly name: string;
    readonly of: (
      encryption: Encrypted,
    ) => Encrypted["osDiskImage"] | undefined;
  }[] = [
    { name: "OS disk", of: ({ osDiskImage }) => osDiskImage },
    ...luns.map((lun) => ({
      name: `Data disk ${lun}`,
      of: ({ dataDiskImages }: Encrypted) =>
        dataDiskImages.find((disk) => disk.lun === lun),
    })),
  ];
  return (
    <Table
      caption="Keys of each disk in each region"
      columns={["Disk", ...regions.map(({ name }) => name)]}
    >
      {disks.map(({ name, of }) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          {regions.map((region) => {
            const disk = of(region.encryption);
            return (
              <td key={region.name} data-label={region.name}>
                {disk && (
                  <>
                    {ENCRYPTION_NAMES[disk.type] ?? disk.type}
                    {[
                      disk.diskEncryptionSetId,
                      disk.secureVMDiskEncryptionSetId,
                    ]
                      .filter((id) => id !== undefined)
                      .map((id) => (
                        <div key={id} class="sub" title={id}>
                          {nameIn(id)}
                        </div>
                      ))}
                  </>
                )}
              </td>
            );
          })}
        </tr>
      ))}
    </Table>
  );
}

/** What was asked of the version, of the last hundred operations on its image definition. */
function Operations({
  image,
  version,
  accepted,
}: {
  readonly image: ImageName;
  readonly version: Version;
  readonly accepted: Operation | undefined;
}) {
  const client = useClient();
  const live = useLive<readonly Operation[]>(
    `operations ${version.id.toLowerCase()} ${version.sigil.operationId ?? ""}`,
    async (_, signal) => {
      const { body } = await client.call("listOperations", {
        query: {
          imageDefinition: version.id.replace(/\/versions\/[^/]*$/u, ""),
          top: 100,
        },
        signal,
      });
      return body.value.filter(
        ({ resourceId, rollback }) =>
          parseResourceId(resourceId)?.version === version.name ||
          rollback?.to === version.name ||
          rollback?.from === version.name,
      );
    },
    (operations) => (operations.some(isRunning) ? BUSY_MS : 60_000),
  );
  useEffect(() => {
    if (accepted !== undefined) live.refresh();
  }, [accepted]);
  const operations = live.value ?? [];
  const tests = operations.find((operation) => operation.tests)?.tests;
  return (
    <>
      {tests && (
        <>
          <h3>Last test</h3>
          <TestsTable tests={tests} />
        </>
      )}
      <OperationTable operations={operations} of={image.imageName} />
    </>
  );
}

function OperationTable({
  operations,
  of,
}: {
  readonly operations: readonly Operation[];
  readonly of: string;
}) {
  return (
    <Table
      caption={`Operations on ${of}`}
      columns={["Operation", "Status", "Asked", "By", "Ended"]}
    >
      {operations.map((operation) => (
        <tr key={operation.id}>
          <th scope="row">
            <Link to={{ view: "operation", operationId: operation.id }}>
              {kindName(operation.kind)}
            </Link>
          </th>
          <td>
            <State state={statusOf(operation)} />
            {isRunning(operation) && ` ${operation.percentComplete} %`}
          </td>
          <td>
            <Time value={operation.createdTime} />
          </td>
          <td>{requesterText(operation.requestedBy)}</td>
          <td>
            {operation.endTime !== undefined && (
              <Time value={operation.endTime} />
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** What it is made from: one source with all disks, or one for each. */
function sourcesOf({ properties }: Version): readonly string[] {
  const {
    source,
    osDiskImage,
    dataDiskImages = [],
  } = properties.storageProfile;
  if (source)
    return [source.id, source.virtualMachineId, source.communityGalleryImageId]
      .filter((id) => id !== undefined)
      .slice(0, 1);
  return [osDiskImage, ...dataDiskImages]
    .map((disk) => disk?.source?.id ?? disk?.source?.uri)
    .filter((id) => id !== undefined);
}

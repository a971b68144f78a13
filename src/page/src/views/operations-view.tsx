import { useState } from "preact/hooks";
import { statusOf } from "@sigil/client";
import { useTitle } from "../components/image-heading.js";
import { LiveBar } from "../components/live-bar.js";
import { requesterText } from "../components/operation-details.js";
import { Problem } from "../components/problem.js";
import { State } from "../components/state.js";
import { Relative, Time } from "../components/time.js";
import { WindowTable } from "../components/window-table.js";
import { useClient } from "../context.js";
import { useLive } from "../live.js";
import { BUSY_MS, IDLE_MS } from "../retry.js";
import { Link, replaceQuery, useQuery } from "../navigation.js";
import { isRunning, kindName, type Operation } from "../operations.js";
import { parseResourceId } from "../routes.js";
import { nameIn } from "../summaries.js";

const STATUSES = ["NotStarted", "Running", "Succeeded", "Failed", "Canceled"];
const PAGE = 100;

interface Page {
  readonly operations: readonly Operation[];
  readonly continuationToken: string | undefined;
}

interface Filters {
  readonly status: string;
  /** A resource id, or a part of one. */
  readonly place: string;
  readonly who: string;
}

/** What was asked for, newest first. */
export function OperationsView() {
  useTitle("Operations");
  const query = useQuery();
  const filters: Filters = {
    status: query.get("status") ?? "",
    place: query.get("place") ?? "",
    who: query.get("who") ?? "",
  };
  return (
    <>
      <h1>Operations</h1>
      <FilterBar filters={filters} />
      <List filters={filters} />
    </>
  );
}

function List({ filters }: { readonly filters: Filters }) {
  const client = useClient();
  const server = serverFilters(filters);
  const key = JSON.stringify(server);
  const [older, setOlder] = useState<{ key: string; pages: readonly Page[] }>({
    key,
    pages: [],
  });
  const [error, setError] = useState<Error>();
  const read = async (
    continuationToken: string | undefined,
    signal?: AbortSignal,
  ): Promise<Page> => {
    const { body } = await client.call("listOperations", {
      query: {
        ...server,
        top: PAGE,
        ...(continuationToken !== undefined && { continuationToken }),
      },
      signal,
    });
    return {
      operations: body.value,
      continuationToken: body.continuationToken,
    };
  };
  const live = useLive<Page>(
    `operations ${key}`,
    (_, signal) => read(undefined, signal),
    ({ operations }) => (operations.some(isRunning) ? BUSY_MS : IDLE_MS),
  );
  const pages = [
    ...(live.value ? [live.value] : []),
    ...(older.key === key ? older.pages : []),
  ];
  const all = new Map(
    pages
      .flatMap(({ operations }) => operations)
      .map((operation) => [operation.id, operation]),
  );
  const rows = [...all.values()].filter((operation) =>
    meets(operation, filters),
  );
  const next = pages.at(-1)?.continuationToken;
  return (
    <>
      <LiveBar live={live} />
      <p role="status" class="muted">
        {rows.length} {rows.length === 1 ? "operation" : "operations"}
        {next !== undefined && " of those read so far"}
      </p>
      <WindowTable
        caption="Operations"
        columns={6}
        rows={rows}
        rowHeight={48}
        rowKey={({ id }) => id}
        head={
          <>
            <th scope="col">Operation</th>
            <th scope="col">Status</th>
            <th scope="col">On</th>
            <th scope="col">Asked</th>
            <th scope="col">By</th>
            <th scope="col">End</th>
          </>
        }
        cells={(operation) => <Cells operation={operation} />}
      />
      {next !== undefined && (
        <button
          type="button"
          class="no-print"
          onClick={() => {
            setError(undefined);
            read(next).then(
              (page) =>
                setOlder({
                  key,
                  pages: [...(older.key === key ? older.pages : []), page],
                }),
              (cause: unknown) =>
                setError(cause instanceof Error ? cause : new Error("?")),
            );
          }}
        >
          Older operations
        </button>
      )}
      <div role="alert">{error && <Problem error={error} />}</div>
    </>
  );
}

function Cells({ operation }: { readonly operation: Operation }) {
  const place = parseResourceId(operation.resourceId);
  return (
    <>
      <th scope="row">
        <Link to={{ view: "operation", operationId: operation.id }}>
          {kindName(operation.kind)}
        </Link>
      </th>
      <td>
        <State state={statusOf(operation)} />
        <div class="sub">
          {isRunning(operation) && `${operation.percentComplete} % `}
          {operation.error?.code ?? operation.waitReason}
        </div>
      </td>
      <td>
        {place === undefined ? (
          nameIn(operation.resourceId)
        ) : place.version === undefined ? (
          <Link to={{ view: "image", image: place.image }}>
            {place.image.imageName}
          </Link>
        ) : (
          <Link
            to={{ view: "version", image: place.image, version: place.version }}
          >
            {place.image.imageName} {place.version}
          </Link>
        )}
        <div class="sub">
          {place?.image.galleryName} {place?.image.resourceGroupName}
        </div>
      </td>
      <td>
        <Time value={operation.createdTime} />
      </td>
      <td>{requesterText(operation.requestedBy)}</td>
      <td>
        {operation.endTime !== undefined ? (
          <Time value={operation.endTime} />
        ) : (
          operation.expectedEndTime !== undefined && (
            <>
              expected <Relative value={operation.expectedEndTime} />
            </>
          )
        )}
      </td>
    </>
  );
}

function FilterBar({ filters }: { readonly filters: Filters }) {
  const change = (changed: Partial<Filters>): void =>
    replaceQuery({ ...filters, ...changed });
  return (
    <form
      class="filters no-print"
      role="search"
      aria-label="Filter operations"
      onSubmit={(event) => event.preventDefault()}
    >
      <label>
        Status
        <select
          value={filters.status}
          onChange={(event) => change({ status: event.currentTarget.value })}
        >
          <option value="">All</option>
          <option value="attention">Needs attention</option>
          {STATUSES.map((status) => (
            <option key={status}>{status}</option>
          ))}
        </select>
      </label>
      <label>
        Place: a resource id, or a part of one
        <input
          type="search"
          value={filters.place}
          spellcheck={false}
          onInput={(event) => change({ place: event.currentTarget.value })}
        />
      </label>
      <label>
        Asked by
        <input
          type="search"
          value={filters.who}
          spellcheck={false}
          onInput={(event) => change({ who: event.currentTarget.value })}
        />
      </label>
    </form>
  );
}

/** What the API filters by; the rest is looked for in what was read. */
function serverFilters({ status, place }: Filters) {
  const image = parseResourceId(place);
  const id = place.trim();
  return {
    ...(status === "attention" && { needsAttention: true }),
    ...(STATUSES.includes(status) && {
      status: status as Operation["status"],
    }),
    ...(image !== undefined && image.version === undefined
      ? { imageDefinition: id }
      : /\/galleries\/[^/]+$/iu.test(id) && id.startsWith("/subscriptions/")
        ? { gallery: id }
        : {}),
  };
}

function meets(operation: Operation, { place, who }: Filters): boolean {
  const { requestedBy } = operation;
  const names = [
    requestedBy?.name,
    requestedBy?.appId,
    requestedBy?.objectId,
  ].join(" ");
  return (
    names.toLowerCase().includes(who.trim().toLowerCase()) &&
    operation.resourceId.toLowerCase().includes(place.trim().toLowerCase())
  );
}

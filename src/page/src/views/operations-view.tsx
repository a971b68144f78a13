import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { statusOf } from "@sigil/client";
import { FilterForm, SearchField, Segments } from "../components/filters.js";
import { Head } from "../components/head.js";
import { Problem } from "../components/problem.js";
import { State } from "../components/state.js";
import { Bar } from "../components/tile.js";
import { Time } from "../components/time.js";
import { Who } from "../components/who.js";
import { WindowTable } from "../components/window-table.js";
import { useClient } from "../context.js";
import { useLive } from "../live.js";
import { errorOf, nextMs } from "../retry.js";
import { Link, replaceQuery, useQuery } from "../navigation.js";
import { dueText } from "../times.js";
import { isRunning, kindName, type Operation } from "../operations.js";
import { readyIn } from "../region-state.js";
import { parseResourceId } from "../routes.js";
import { nameIn } from "../summaries.js";

const STATUSES = ["NotStarted", "Running", "Succeeded", "Failed", "Canceled"];
const PAGE = 100;

interface Page {
  readonly operations: readonly Operation[];
  readonly continuationToken: string | undefined;
  readonly nextMs: number;
}

interface Filters {
  readonly status: string;
  /** A resource id, or a part of one. */
  readonly place: string;
  readonly who: string;
}

/** What was asked for, newest first. */
export function OperationsView() {
  const query = useQuery();
  const filters: Filters = {
    status: query.get("status") ?? "",
    place: query.get("place") ?? "",
    who: query.get("who") ?? "",
  };
  return <List filters={filters} />;
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
  const readPage = async (
    continuationToken: string | undefined,
    signal?: AbortSignal,
  ): Promise<Page> => {
    const { headers, body } = await client.call("listOperations", {
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
      nextMs: nextMs(headers),
    };
  };
  const live = useLive<Page>(
    `operations ${key}`,
    (_, signal) => readPage(undefined, signal),
    (page) => page.nextMs,
  );
  const pages = [...(live.value ? [live.value] : []), ...(older.key === key ? older.pages : [])];
  const all = new Map(
    pages.flatMap(({ operations }) => operations).map((operation) => [operation.id, operation]),
  );
  const rows = [...all.values()].filter((operation) => meets(operation, filters));
  const next = pages.at(-1)?.continuationToken;
  const count = (holds: (operation: Operation) => boolean): number => rows.filter(holds).length;
  return (
    <>
      <Head
        title="Operations"
        live={live}
        meta={
          live.value &&
          ` · ${count(isRunning)} under way, ${count(({ status }) => status === "Failed")} failed`
        }
      />
      <FilterBar filters={filters}>
        <span role="status" class="push muted small">
          {rows.length} {rows.length === 1 ? "operation" : "operations"}
          {next !== undefined && " of those read so far"}
        </span>
      </FilterBar>
      <section class="card">
        <WindowTable
          caption="Operations"
          columns={[
            ...["Operation", "Status", "Regions", "Asked by"],
            { title: "Asked", class: "end" },
            { title: "Ends, or ended", class: "end" },
          ]}
          rows={rows}
          rowHeight={50}
          rowKey={({ id }) => id}
          cells={(operation) => <Cells operation={operation} />}
        />
      </section>
      {next !== undefined && (
        <button
          type="button"
          class="no-print"
          onClick={() => {
            setError(undefined);
            readPage(next).then(
              (page) =>
                setOlder({
                  key,
                  pages: [...(older.key === key ? older.pages : []), page],
                }),
              (cause: unknown) => setError(errorOf(cause)),
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
  const { regions } = operation;
  const ready = readyIn(regions).length;
  const runs = isRunning(operation);
  const on = `${place?.image.imageName ?? nameIn(operation.resourceId)} ${place?.version ?? ""}`;
  return (
    <>
      <th scope="row">
        <Link to={{ view: "operation", operationId: operation.id }}>
          {kindName(operation.kind)} {on}
        </Link>
        <small class="one-line">
          {[place?.image.galleryName, operation.error?.code ?? operation.waitReason]
            .filter(Boolean)
            .join(" · ")}
        </small>
      </th>
      <td data-label="Status">
        <State state={statusOf(operation)} share={runs ? operation.percentComplete : undefined} />
      </td>
      <td data-label="Regions">
        {runs && regions.length > 0 ? (
          <span class="grow">
            <Bar percent={operation.percentComplete} label={`Regions of ${on}`} />
            <small>
              {ready} of {regions.length} ready
            </small>
          </span>
        ) : (
          <span class="muted">{regions.length > 0 && `${ready} of ${regions.length}`}</span>
        )}
      </td>
      <td data-label="Asked by">
        <Who requester={operation.requestedBy} />
      </td>
      <td class="end muted nowrap wide-only">
        <Time value={operation.createdTime} />
      </td>
      <td class="end nowrap" data-label="Ends">
        {operation.endTime !== undefined ? (
          <Time value={operation.endTime} />
        ) : (
          operation.expectedEndTime !== undefined && dueText(operation.expectedEndTime)
        )}
      </td>
    </>
  );
}

const STATUS_NAMES = [
  ["", "All"],
  ["attention", "Needs attention"],
  ["Running", "Under way"],
  ["Failed", "Failed"],
  ["Succeeded", "Done"],
  ["Canceled", "Canceled"],
] as const;

function FilterBar({
  filters,
  children,
}: {
  readonly filters: Filters;
  readonly children: ComponentChildren;
}) {
  const change = (changed: Partial<Filters>): void => replaceQuery({ ...filters, ...changed });
  return (
    <FilterForm label="Filter operations">
      <Segments
        label="Status"
        options={STATUS_NAMES}
        value={filters.status}
        onChange={(status) => change({ status })}
      />
      <SearchField
        label="Place: a name, or a resource id"
        placeholder="Image, gallery or id"
        value={filters.place}
        onChange={(place) => change({ place })}
      />
      <SearchField label="Asked by" value={filters.who} onChange={(who) => change({ who })} />
      {children}
    </FilterForm>
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
  const names = [requestedBy?.name, requestedBy?.appId, requestedBy?.objectId].join(" ");
  return (
    names.toLowerCase().includes(who.trim().toLowerCase()) &&
    operation.resourceId.toLowerCase().includes(place.trim().toLowerCase())
  );
}

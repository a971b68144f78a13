import { Say } from "../components/box.js";
import { Card } from "../components/card.js";
import { Command } from "../components/command.js";
import { Tile } from "../components/tile.js";
import { Ago, Time } from "../components/time.js";
import { Link } from "../navigation.js";
import { routeOf, tileOf, type AttentionPage, type Row } from "./attention.js";

export function NeedsAttention({
  pages,
  onMore,
}: {
  readonly pages: readonly AttentionPage[];
  readonly onMore: () => void;
}) {
  const rows = pages.flatMap(({ body }) => body.value);
  const [first] = pages;
  const { error = 0, warning = 0 } = first?.body.counts ?? {};
  const count = error + warning;
  return (
    <Card
      id="attention"
      title="Needs attention"
      aside={
        count > 0 && (
          <span class="muted small">
            {count > rows.length && `${rows.length} of `}
            {count}, the most urgent first
          </span>
        )
      }
    >
      {first && rows.length === 0 && <Nothing body={first.body} />}
      {rows.map((row) => (
        <AttentionRow key={`${row.title} ${row.message}`} row={row} />
      ))}
      {pages.at(-1)?.body.continuationToken !== undefined && (
        <p class="pad">
          <button type="button" class="small" onClick={onMore}>
            Show more
          </button>
        </p>
      )}
    </Card>
  );
}

function Nothing({ body: { seen, complete } }: Pick<AttentionPage, "body">) {
  const isAllSeen = complete && seen.neverVersions + seen.neverSets === 0;
  return (
    <Say tile={isAllSeen ? "done" : "unseen"} title="Nothing needs attention, of what was seen" />
  );
}

function AttentionRow({ row }: { readonly row: Row }) {
  const { title, message, since, seenTime, whatToDo } = row;
  const { verb, command } = whatToDo;
  return (
    <div class="item">
      <Tile state={tileOf(row)} />
      <div>
        <b>{title}</b>
        <p>
          {message}{" "}
          <Time before="Since " value={since} lower after={seenTime === undefined ? "." : ", "} />
          {seenTime !== undefined && (
            <>
              {since === undefined ? "Seen" : "seen"} <Ago value={seenTime} />.
            </>
          )}
        </p>
      </div>
      <Link to={routeOf(row)} class="button small">
        {verb}
        <span class="visually-hidden"> {title}</span>
      </Link>
      {/* What sigil does, the page does behind the verb. */}
      {command !== undefined && !command.startsWith("sigil ") && (
        <Command line={command} label={title} />
      )}
    </div>
  );
}

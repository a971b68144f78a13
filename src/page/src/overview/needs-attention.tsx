import { Card } from "../components/card.js";
import { Tile } from "../components/tile.js";
import { Link } from "../navigation.js";
import type { Attention, Known } from "./attention.js";

export function NeedsAttention({
  attention,
  known,
}: {
  readonly attention: readonly Attention[];
  readonly known: readonly Known[];
}) {
  const unread = known.filter(({ summary }) => summary === undefined).length;
  return (
    <Card
      id="attention"
      title="Needs attention"
      aside={
        attention.length > 0 && (
          <span class="muted small">{attention.length}, the most urgent first</span>
        )
      }
    >
      {attention.length === 0 ? (
        <div class="say">
          <Tile state="done" big />
          <div>
            <h2>Nothing needs attention</h2>
            <p>
              {unread > 0
                ? `${unread} of ${known.length} images are still being read.`
                : `Of ${known.length} ${known.length === 1 ? "image" : "images"}.`}
            </p>
          </div>
        </div>
      ) : (
        attention.map(({ tile, title, text, to }) => (
          <div key={`${title} ${text}`} class="item">
            <Tile state={tile} />
            <div>
              <b>{title}</b>
              <p>{text}</p>
            </div>
            <Link to={to} class="button small">
              Open<span class="visually-hidden"> {title}</span>
            </Link>
          </div>
        ))
      )}
    </Card>
  );
}

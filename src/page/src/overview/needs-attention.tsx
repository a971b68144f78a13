import { Card } from "../components/card.js";
import { Tile } from "../components/tile.js";
import { Link } from "../navigation.js";
import { routeOf, seenText, tileOf, type Attention } from "./attention.js";

export function NeedsAttention({ attention: { body } }: { readonly attention: Attention }) {
  const { value, counts } = body;
  const count = counts.error + counts.warning;
  return (
    <Card
      id="attention"
      title="Needs attention"
      aside={
        count > 0 && (
          <span class="muted small">
            {count > value.length && `${value.length} of `}
            {count}, the most urgent first
          </span>
        )
      }
    >
      {value.length === 0 && (
        <div class="say">
          <Tile state="done" big />
          <div>
            <h2>Nothing needs attention, of what was seen</h2>
          </div>
        </div>
      )}
      {value.map((row) => {
        const { title, message, whatToDo } = row;
        return (
          <div key={`${title} ${message}`} class="item">
            <Tile state={tileOf(row)} />
            <div>
              <b>{title}</b>
              <p>{message}</p>
            </div>
            <Link to={routeOf(row)} class="button small">
              {whatToDo.verb}
              <span class="visually-hidden"> {title}</span>
            </Link>
          </div>
        );
      })}
      <p class="pad muted small">{seenText(body, Date.now())}</p>
    </Card>
  );
}

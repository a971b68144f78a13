import { geographiesOf, namesText, regionCount } from "../geography.js";
import { Table } from "../components/table.js";

/** The latest of a region as it is, and as it would be. */
export interface LatestChange {
  readonly region: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Of more regions, those of a geography that change alike are one line. */
const MOST_LINES = 4;

/** The forecast for each region: its change; the unchanged ones are only counted. */
export function LatestTable({ regions }: { readonly regions: readonly LatestChange[] }) {
  const changed = regions.filter(({ from, to }) => from !== to);
  const same = regions.length - changed.length;
  if (changed.length === 0)
    return <p class="muted small">The latest stays the same in every region.</p>;
  return (
    <Table
      caption="Latest version in each region"
      class=""
      columns={[...["Region", "Latest now"], { title: "becomes", hidden: true }, "Latest after"]}
    >
      {linesOf(changed).map(({ name, names, from, to }) => (
        <tr key={`${name} ${from} ${to}`}>
          <th scope="row">
            {name}
            {names.length > 0 && <small title={names.join(", ")}>{namesText(names)}</small>}
          </th>
          <td>{from ?? "none"}</td>
          <td class="muted">→</td>
          <td>
            <b class={to === undefined ? "error-text" : undefined}>{to ?? "none"}</b>
          </td>
        </tr>
      ))}
      {same > 0 && (
        <tr>
          <td class="muted">{same === 1 ? "1 other region" : `${same} other regions`}</td>
          <td class="muted" colSpan={3}>
            {same === 1 ? "stays as it is" : "stay as they are"}
          </td>
        </tr>
      )}
    </Table>
  );
}

interface Line extends Omit<LatestChange, "region"> {
  readonly name: string;
  /** Where the line is of several. */
  readonly names: readonly string[];
}

function linesOf(changed: readonly LatestChange[]): readonly Line[] {
  const single = ({ region, from, to }: LatestChange): Line => ({
    name: region,
    names: [],
    from,
    to,
  });
  if (changed.length <= MOST_LINES) return changed.map(single);
  return geographiesOf(changed.map(({ region }) => region)).flatMap(({ name, regions }) => {
    const alike = new Map<string, LatestChange[]>();
    for (const change of changed.filter(({ region }) => regions.includes(region))) {
      const key = `${change.from} ${change.to}`;
      alike.set(key, [...(alike.get(key) ?? []), change]);
    }
    return [...alike.values()].flatMap((those) => {
      const [first] = those;
      if (first === undefined) return [];
      return those.length === 1
        ? [single(first)]
        : [
            {
              name:
                those.length === regions.length ? name : `${name}, ${regionCount(those.length)}`,
              names: those.map(({ region }) => region),
              from: first.from,
              to: first.to,
            },
          ];
    });
  });
}

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Tile } from "../components/tile.js";
import { usePrinting } from "../components/window-table.js";
import { Link, navigate } from "../navigation.js";
import type { ImageName } from "../routes.js";
import { ageText, TONES, type Cell, type Matrix, type Row } from "./cells.js";
import { CellCard } from "./cell-card.js";

/** As map.css has them. */
const ROW_HEIGHT = 18;
const PHONE_ROW_HEIGHT = 28;
export const PHONE = "(max-width: 760px)";
/** Made above and below what is seen. */
const BESIDE = 15;

interface At {
  readonly row: number;
  readonly column: number;
}

/** Every version in every region, a tile each: one grid, one Tab stop, and only the rows in sight are made. */
export function VersionMap({
  image,
  matrix,
  rows,
  sets,
}: {
  readonly image: ImageName;
  readonly matrix: Matrix;
  /** Those that are shown, of all. */
  readonly rows: readonly Row[];
  readonly sets: readonly string[];
}) {
  const { regions } = matrix;
  const [at, setAt] = useState<At>();
  const grid = useRef<HTMLDivElement>(null);
  const window_ = useWindow(grid, rows.length);
  const shown = rows.slice(window_.first, window_.end);
  const active = at === undefined ? undefined : rows[at.row]?.cells[at.column];
  const move = (row: number, column: number): void => {
    setAt({
      row: Math.max(0, Math.min(rows.length - 1, row)),
      column: Math.max(0, Math.min(regions.length - 1, column)),
    });
  };
  useLayoutEffect(() => {
    if (at === undefined || document.activeElement !== grid.current) return;
    const top = (grid.current?.getBoundingClientRect().top ?? 0) + scrollY;
    const head = grid.current?.querySelector<HTMLElement>(".map-head")?.offsetHeight ?? 0;
    const y = top + head + at.row * window_.height;
    // Below the head, which stays, and above the foot of the window.
    if (y - head < scrollY) scrollTo(0, y - head - 8);
    else if (y + 60 > scrollY + innerHeight) scrollTo(0, y + 90 - innerHeight);
  }, [at, window_.height]);
  const open = (row: Row | undefined): void => {
    if (row !== undefined) navigate({ view: "version", image, version: row.version.name });
  };
  return (
    <div class="columns narrow-side">
      <div
        class="card map"
        ref={grid}
        role="grid"
        tabIndex={0}
        aria-label={`${rows.length} versions in ${regions.length} regions`}
        aria-rowcount={rows.length + 1}
        aria-colcount={regions.length + 4}
        aria-activedescendant={at && `cell-${at.row}-${at.column}`}
        onFocus={() => at ?? move(window_.first, 0)}
        onKeyDown={(event) => {
          const { row, column } = at ?? { row: 0, column: 0 };
          const to = {
            ArrowDown: [row + 1, column],
            ArrowUp: [row - 1, column],
            ArrowLeft: [row, column - 1],
            ArrowRight: [row, column + 1],
            Home: [event.ctrlKey ? 0 : row, 0],
            End: [event.ctrlKey ? rows.length - 1 : row, regions.length - 1],
            PageDown: [row + 20, column],
            PageUp: [row - 20, column],
          }[event.key];
          if (event.target !== grid.current) return;
          if (to !== undefined) move(to[0] ?? 0, to[1] ?? 0);
          else if (event.key === "Enter") open(rows[row]);
          else if (event.key === "Escape") setAt(undefined);
          else return;
          event.preventDefault();
        }}
        onPointerOver={(event) => {
          const cell = cellAt(event.target);
          if (cell !== undefined) setAt(cell);
        }}
        onClick={(event) => {
          const cell = cellAt(event.target);
          if (cell === undefined) return;
          setAt(cell);
          if (!matchMedia(PHONE).matches) open(rows[cell.row]);
        }}
      >
        <MapHead matrix={matrix} at={at?.column} />
        <div style={{ height: `${window_.first * window_.height}px` }} />
        {shown.map((row, index) => (
          <MapRow
            key={row.version.name}
            image={image}
            row={row}
            index={window_.first + index}
            at={at?.row === window_.first + index ? at.column : undefined}
          />
        ))}
        <div
          style={{
            height: `${(rows.length - window_.end) * window_.height}px`,
          }}
        />
      </div>
      <CellCard
        image={image}
        row={at && rows[at.row]}
        cell={active}
        latest={at && latestIn(rows, matrix, at.column)}
        sets={sets}
        onClose={() => setAt(undefined)}
      />
    </div>
  );
}

function latestIn(rows: readonly Row[], { rows: all }: Matrix, column: number): string | undefined {
  const has = ({ cells }: Row): boolean => cells[column]?.summary?.latest === true;
  return (rows.find(has) ?? all.find(has))?.version.name;
}

function cellAt(target: EventTarget | null): At | undefined {
  const id = target instanceof Element ? target.closest("[id]")?.id : undefined;
  const [, row, column] = /^cell-(\d+)-(\d+)$/u.exec(id ?? "") ?? [];
  return row === undefined || column === undefined
    ? undefined
    : { row: Number(row), column: Number(column) };
}

interface Window {
  readonly first: number;
  readonly end: number;
  readonly height: number;
}

/** Which rows are in sight, some more above and below: in portions, so that a line of scrolling makes nothing anew. */
function useWindow(grid: { readonly current: HTMLElement | null }, count: number): Window {
  const [seen, setSeen] = useState({ first: 0, end: 60, height: ROW_HEIGHT });
  useEffect(() => {
    const measure = (): void => {
      const height = matchMedia(PHONE).matches ? PHONE_ROW_HEIGHT : ROW_HEIGHT;
      const top = grid.current?.getBoundingClientRect().top ?? 0;
      const line = Math.floor(Math.max(0, -top) / height / BESIDE) * BESIDE;
      const lines = Math.ceil(innerHeight / height);
      const first = Math.max(0, line - BESIDE);
      const end = line + lines + 2 * BESIDE;
      setSeen((now) =>
        now.first === first && now.end === end && now.height === height
          ? now
          : { first, end, height },
      );
    };
    measure();
    addEventListener("scroll", measure, { passive: true });
    addEventListener("resize", measure);
    return () => {
      removeEventListener("scroll", measure);
      removeEventListener("resize", measure);
    };
  }, [grid]);
  const isPrinted = usePrinting();
  if (isPrinted) return { first: 0, end: count, height: seen.height };
  const first = Math.min(seen.first, Math.max(0, count - 1));
  return {
    first,
    end: Math.min(count, Math.max(seen.end, first)),
    height: seen.height,
  };
}

function MapHead({
  matrix: { geographies, regions },
  at,
}: {
  readonly matrix: Matrix;
  readonly at: number | undefined;
}) {
  const firsts = new Set(geographies.slice(1).map((each) => each.regions[0]));
  return (
    <div class="map-row map-head" role="row" aria-rowindex={1}>
      <span role="columnheader">Version</span>
      <span role="columnheader" class="wide-only">
        Age
      </span>
      <div role="presentation">
        <div class="map-geographies" aria-hidden="true">
          {geographies.map(({ name, short, regions: those }, index) => (
            <b
              key={name}
              class={index > 0 ? "apart" : undefined}
              style={{ "--count": `${those.length}` }}
              title={name}
            >
              <span class="wide-only">{name}</span>
              <span class="phone-only">{short}</span>
            </b>
          ))}
        </div>
        <div class="map-cells map-names" role="presentation">
          {regions.map((region, column) => (
            <span
              key={region}
              role="columnheader"
              class={`${firsts.has(region) ? "apart" : ""} ${column === at ? "at" : ""}`}
            >
              {region}
            </span>
          ))}
        </div>
      </div>
      <span role="columnheader" class="end">
        Ready
      </span>
      <span role="columnheader" class="wide-only">
        What stands out
      </span>
    </div>
  );
}

function MapRow({
  image,
  row: { version, cells, ready, standsOut, tone },
  index,
  at,
}: {
  readonly image: ImageName;
  readonly row: Row;
  readonly index: number;
  readonly at: number | undefined;
}) {
  const all = version.regions.length;
  // Tiles are made anew only where they are others.
  const tiles = useMemo(
    () =>
      cells.map((cell, column) => (
        <Tiled
          key={cell.region}
          version={version.name}
          cell={cell}
          id={`cell-${index}-${column}`}
          isAt={column === at}
        />
      )),
    [version.name, cells, index, at],
  );
  return (
    <div class={at === undefined ? "map-row" : "map-row at"} role="row" aria-rowindex={index + 2}>
      <span role="rowheader">
        <Link to={{ view: "version", image, version: version.name }} tabIndex={-1}>
          {version.name}
        </Link>
      </span>
      <span role="gridcell" class="muted wide-only">
        <Age publishedDate={version.publishedDate} />
      </span>
      <div class="map-cells" role="presentation">
        {tiles}
      </div>
      <span role="gridcell" class={ready === all ? "end muted" : "end"}>
        {ready} of {all}
      </span>
      <span role="gridcell" class={`wide-only ${TONES[tone]}`} title={standsOut}>
        {standsOut}
      </span>
    </div>
  );
}

function Age({ publishedDate }: { readonly publishedDate: string | undefined }) {
  return <>{ageText(publishedDate, Date.now())}</>;
}

function Tiled({
  version,
  cell: { region, state, word, share, apart },
  id,
  isAt,
}: {
  readonly version: string;
  readonly cell: Cell;
  readonly id: string;
  readonly isAt: boolean;
}) {
  return (
    <i
      id={id}
      role="gridcell"
      aria-label={`${version} in ${region}: ${word}`}
      class={`tile ${state}${apart ? " apart" : ""}${isAt ? " at" : ""}`}
      style={share === undefined ? undefined : { "--share": `${share}%` }}
    />
  );
}

/** What each tile means. */
export function MapKey() {
  return (
    <span class="key">
      {(
        [
          ["latest", "latest"],
          ["ready", "ready"],
          ["held", "held back"],
          ["excluded", "excluded"],
          ["replicating", "replicating"],
          ["failed", "failed"],
          ["risk", "key at risk"],
          ["absent", "absent"],
          ["unseen", "not seen yet"],
        ] as const
      ).map(([state, word]) => (
        <span key={state}>
          <Tile state={state} />
          {word}
        </span>
      ))}
    </span>
  );
}

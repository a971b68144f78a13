import type { ComponentChildren } from "preact";
import { TableHead, type Column } from "./table.js";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** How many rows are made at most, however many there are. */
const MOST_ROWS = 300;
/** Made above and below what is seen. */
const BESIDE = 20;

interface WindowTableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** The height of every row in pixels, so that a row's place is known without rendering it. */
  readonly rowHeight: number;
  readonly rowKey: (row: Row) => string;
  /** The cells of a row. */
  readonly cells: (row: Row) => ComponentChildren;
}

/** Every row is made for paper. */
export function usePrinting(): boolean {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const print = matchMedia("print");
    const onPrint = (): void => setPrinting(print.matches);
    print.addEventListener("change", onPrint);
    return () => print.removeEventListener("change", onPrint);
  }, []);
  return printing;
}

/** A table of any length, of which only what is seen is in the document. */
export function WindowTable<Row>({
  caption,
  columns,
  rows,
  rowHeight,
  rowKey,
  cells,
}: WindowTableProps<Row>) {
  const scroller = useRef<HTMLDivElement>(null);
  const hadFocus = useRef(false);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(800);
  const printing = usePrinting();

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const measure = new ResizeObserver(() => setHeight(element.clientHeight));
    measure.observe(element);
    return () => measure.disconnect();
  }, []);

  const first = printing
    ? 0
    : Math.max(0, Math.min(Math.floor(top / rowHeight) - BESIDE, rows.length - 1));
  const count = printing
    ? MOST_ROWS
    : Math.min(MOST_ROWS, Math.ceil(height / rowHeight) + 2 * BESIDE);
  const shown = rows.slice(first, first + count);
  const below = rows.length - first - shown.length;

  // A focused row that has left the document leaves the focus with the table, so that the keyboard goes on from there.
  useLayoutEffect(() => {
    if (hadFocus.current && document.activeElement === document.body)
      scroller.current?.focus({ preventScroll: true });
  });

  return (
    <div
      class="window-table"
      ref={scroller}
      tabIndex={0}
      role="region"
      aria-label={caption}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onFocusIn={() => (hadFocus.current = true)}
      onFocusOut={(event) => {
        hadFocus.current = event.relatedTarget === null && document.hasFocus();
      }}
    >
      <table aria-rowcount={rows.length + 1}>
        <TableHead caption={caption} columns={columns} rowIndex={1} />
        <tbody>
          <Spacer height={first * rowHeight} columns={columns.length} />
          {shown.map((row, index) => (
            <tr
              key={rowKey(row)}
              aria-rowindex={first + index + 2}
              style={{ height: `${rowHeight}px` }}
            >
              {cells(row)}
            </tr>
          ))}
          <Spacer height={below * rowHeight} columns={columns.length} />
        </tbody>
      </table>
      {printing && below > 0 && <p>{below} more rows are not printed. Narrow the filters.</p>}
    </div>
  );
}

function Spacer({ height, columns }: { readonly height: number; readonly columns: number }) {
  if (height <= 0) return null;
  return (
    <tr class="spacer" aria-hidden="true">
      <td colSpan={columns} style={{ height: `${height}px`, padding: 0 }} />
    </tr>
  );
}

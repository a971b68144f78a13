/** Draws a terminal with what comes in: `npm run --silent demo | node docs/demo-svg.mjs > docs/demo.svg`. */
import { text } from "node:stream/consumers";

const COLUMNS = 104;
const LINE_HEIGHT = 17;
const CHARACTER_WIDTH = 7.8;
const MARGIN = 16;
const COLOURS = [
  [/(?:Region)?Completed|Promoted| Tested|All as it should be/u, "#6cc644"],
  [/Failed|refused|DiskEncryptionSetInOtherRegion/u, "#ff7b72"],
  [/RegionReplicating/u, "#8ab4f8"],
];

const escape = (/** @type {string} */ line) =>
  line
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    // A run of spaces would be drawn as one.
    .replaceAll(" ", "\u00a0");
const lines = (await text(process.stdin))
  // Colours of the terminal.
  .replaceAll(/\u001b\[[0-9;]*[A-Za-z]/gu, "")
  .trimEnd()
  .split("\n")
  .map((line) => (line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line));
const width = Math.ceil(COLUMNS * CHARACTER_WIDTH) + 2 * MARGIN;
const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
const rows = lines.map((line, i) => {
  const colour = COLOURS.find(([words]) => words.test(line))?.[1] ?? "#d7dae0";
  return `<text x="${MARGIN}" y="${MARGIN + (i + 1) * LINE_HEIGHT - 4}" fill="${colour}">${escape(line)}</text>`;
});
process.stdout
  .write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">
<rect width="100%" height="100%" rx="8" fill="#1b1f27"/>
${rows.join("\n")}
</svg>
`);

import { MultiBar, type SingleBar } from "cli-progress";
import type { Style } from "./style.js";

/** What is printed while versions replicate: lines, and on a terminal a bar for each region below them. */
export interface Progress {
  line(text: string): void;
  /** Shows a bar for a region from now on. */
  follow(version: string, region: string): void;
  /** `note` is a word or two, such as "usable". */
  update(version: string, region: string, percent: number, note: string): void;
  /** Leaves what is shown as it is. */
  stop(): void;
}

/** The width of a bar's line without the bar. */
const AROUND_BAR = 46;
const ERASE_TO_END_OF_LINE = "\x1b[K";

/** Bars on a terminal, and lines above them. */
export function barsOn(stream: NodeJS.WriteStream, style: Style): Progress {
  const bars = new Map<string, SingleBar>();
  let stopped = false;
  const multiBar = new MultiBar({
    stream,
    format: `  ${style("bold", "{version}")}  {region} {bar} {percentage} %  {note}`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: Math.max(10, Math.min(30, stream.columns - AROUND_BAR)),
    autopadding: true,
    hideCursor: true,
    linewrap: true,
    forceRedraw: true, // Lines printed above also move bars that did not change.
    gracefulExit: false,
  });
  return {
    line(text) {
      if (bars.size === 0 || stopped) stream.write(`${text}\n`);
      // The library writes over its bars without erasing them.
      else
        multiBar.log(
          `${text.replaceAll("\n", `${ERASE_TO_END_OF_LINE}\n`)}${ERASE_TO_END_OF_LINE}\n`,
        );
    },
    follow(version, region) {
      bars.set(
        `${version} ${region}`,
        multiBar.create(100, 0, {
          version,
          region: region.padEnd(8),
          note: "waiting",
        }),
      );
    },
    update(version, region, percent, note) {
      bars.get(`${version} ${region}`)?.update(percent, { note });
    },
    stop() {
      if (bars.size === 0 || stopped) return;
      stopped = true;
      multiBar.update(); // Writes the lines that still wait.
      multiBar.stop();
    },
  };
}

/** Only lines, for a file or a pipe: the events report every region's progress. */
export function linesOn(stream: NodeJS.WritableStream): Progress {
  return {
    line: (text) => void stream.write(`${text}\n`),
    follow: () => undefined,
    update: () => undefined,
    stop: () => undefined,
  };
}

import type { Style } from "./style.js";
import type { ReceivedEvent } from "./subscriber.js";

const BAR_WIDTH = 20;
const LONGEST_KIND = "TestResultReported".length;
const LONGEST_REGION = "eastus2".length;

/** One line for an event: time of day (UTC), type, version, and what it says. `bar` draws a region's progress. */
export function eventLine(event: ReceivedEvent, style: Style, bar: boolean): string {
  const { time, kind, version, data } = event;
  const parts = [
    style("dim", time.slice("2026-01-01T".length, -1)),
    style(formatOf(kind), kind.padEnd(LONGEST_KIND)),
    version,
    ...(data.region === undefined ? [] : [data.region.padEnd(LONGEST_REGION)]),
    ...details(event, bar),
  ];
  return `  ${parts.join("  ")}`.trimEnd();
}

function details({ kind, data }: ReceivedEvent, bar: boolean): string[] {
  if (kind === "RegionCompleted") return bar ? [progressBar(100)] : ["100 %"];
  if (data.progress !== undefined)
    return [bar ? progressBar(data.progress) : percent(data.progress)];
  if (data.result !== undefined) return [data.result];
  if (data.error !== undefined) {
    const { errorCount } = data.error;
    return [`${errorCount} finding${errorCount === 1 ? "" : "s"}`];
  }
  return [];
}

function progressBar(progress: number): string {
  const full = Math.round((progress / 100) * BAR_WIDTH);
  return `${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${percent(progress)}`;
}

function percent(progress: number): string {
  return `${String(progress).padStart(3)} %`;
}

function formatOf(kind: string): Parameters<Style>[0] {
  if (["Completed", "RegionCompleted", "Tested", "Promoted"].includes(kind)) return "green";
  if (kind === "Failed" || kind === "RegionFailed" || kind === "Rejected") return "red";
  return "cyan";
}

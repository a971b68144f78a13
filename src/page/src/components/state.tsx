/** A state as a word and a color; never as a color alone. */
const TONES: Readonly<Record<string, "good" | "busy" | "bad" | "warn">> = {
  Completed: "good",
  Succeeded: "good",
  Registered: "good",
  Replicating: "busy",
  Running: "busy",
  NotStarted: "busy",
  Accepted: "busy",
  Creating: "busy",
  Updating: "busy",
  Deleting: "busy",
  DeletionRequested: "busy",
  Registering: "busy",
  Requested: "busy",
  RollbackRequested: "busy",
  RollingBack: "busy",
  TestRequested: "busy",
  Testing: "busy",
  Failed: "bad",
  passed: "good",
  failed: "bad",
  inconclusive: "warn",
  Canceled: "warn",
  Canceling: "busy",
};
const SIGNS = { good: "✓", busy: "◔", bad: "✕", warn: "!", idle: "–" } as const;

function toneOf(state: string): keyof typeof SIGNS {
  return TONES[state] ?? "idle";
}

/** `KeyAtRisk`: key at risk. */
export function conditionName(type: string): string {
  return type
    .replaceAll(/(?!^)[A-Z]/gu, (letter) => ` ${letter}`)
    .toLowerCase();
}

export function State({
  state,
  text = state,
}: {
  readonly state: string;
  readonly text?: string;
}) {
  const tone = toneOf(state);
  return (
    <span class={`state ${tone}`}>
      <span aria-hidden="true">{SIGNS[tone]}</span> {text}
    </span>
  );
}

export function Progress({
  percent,
  label,
}: {
  readonly percent: number;
  readonly label: string;
}) {
  return (
    <progress value={percent} max={100} aria-label={label}>
      {percent} %
    </progress>
  );
}

import type { ComponentChildren } from "preact";
import { ProblemError, type Schemas } from "@sigil/client";
import { Note, Say } from "./box.js";
import { Tile } from "./tile.js";

type Finding = Schemas["Finding"];

/** Why something was not done: every error that was found, and what names the request in the logs. */
export function Problem({ error }: { readonly error: Error }) {
  const findings = error instanceof ProblemError ? (error.errors ?? []) : [];
  const requestId = error instanceof ProblemError ? error.requestId : undefined;
  return (
    <Note tone="error">
      <p title={error.message}>{withNames(error.message)}</p>
      {findings
        // One that only says the same is said once.
        .filter(({ message }) => message !== error.message)
        .map((finding, index) => (
          <FindingText key={index} finding={finding} />
        ))}
      {requestId !== undefined && <p class="muted small">Request {requestId}</p>}
    </Note>
  );
}

/** Why an operation has failed, with each error. */
export function Failure({
  title,
  errors,
  class: className = "card",
  children,
}: {
  readonly title: ComponentChildren;
  readonly errors: readonly Finding[];
  readonly class?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section class={className} aria-label="Why it failed">
      <Say tile="failed" title={title}>
        <p>{children}</p>
      </Say>
      {errors.length > 0 && (
        <div class="pad">
          <Findings findings={errors} />
        </div>
      )}
    </section>
  );
}

/** What was found, errors first. */
export function Findings({
  findings,
  label,
}: {
  readonly findings: readonly Finding[];
  readonly label?: string;
}) {
  if (findings.length === 0) return null;
  const order = { error: 0, warning: 1, info: 2 };
  return (
    <ul class="findings" aria-label={label}>
      {[...findings]
        .sort((a, b) => order[a.severity ?? "error"] - order[b.severity ?? "error"])
        .map((finding, index) => (
          <li key={index} class={`note ${finding.severity ?? "error"}`}>
            <Tile state="note-mark" />
            <FindingText finding={finding} />
          </li>
        ))}
    </ul>
  );
}

/** Resource ids by their names: whole they hide what is said. */
export function withNames(text: string): string {
  return text.replaceAll(
    /\/subscriptions\/[^\s/]+\/resourceGroups\/[^\s/]+\/providers\/[^\s/]+\/[^\s/]+\//giu,
    "",
  );
}

/** Where, what is wrong, and what to do. The code is for who searches for it. */
export function FindingText({ finding }: { readonly finding: Finding }) {
  const { severity = "error", pointer, code, message, remediation } = finding;
  return (
    <div>
      <span class="visually-hidden">{severity}: </span>
      {pointer !== "" && (
        <>
          <code>{pointer}</code>{" "}
        </>
      )}
      <span title={`${code}: ${message}`}>{withNames(message)}</span>
      {remediation !== undefined && <Remediation text={remediation} />}
    </div>
  );
}

const LONGEST_IN_SIGHT = 110;

/** What to do, in sight where it is a short sentence; what is longer is unfolded. */
function Remediation({ text }: { readonly text: string }) {
  if (text.includes("\n") || /^(?:az|sigil) /u.test(text)) return <pre>{text}</pre>;
  const short = withNames(text);
  return short.length <= LONGEST_IN_SIGHT ? (
    <p title={text}>{short}</p>
  ) : (
    <details>
      <summary>What to do</summary>
      <p class="wrap" title={text}>
        {short}
      </p>
    </details>
  );
}

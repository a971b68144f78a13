import { ProblemError, type Schemas } from "@sigil/client";

/** Why something was not done: every error that was found, and what names the request in the logs. */
export function Problem({ error }: { readonly error: Error }) {
  const findings = error instanceof ProblemError ? (error.errors ?? []) : [];
  const requestId = error instanceof ProblemError ? error.requestId : undefined;
  return (
    <div class="problem">
      <p>{error.message}</p>
      <Findings findings={findings} />
      {requestId !== undefined && <p class="muted">Request {requestId}</p>}
    </div>
  );
}

/** What was found, errors first. */
export function Findings({
  findings,
}: {
  readonly findings: readonly Schemas["Finding"][];
}) {
  if (findings.length === 0) return null;
  const order = { error: 0, warning: 1, info: 2 };
  return (
    <ul class="findings">
      {[...findings]
        .sort(
          (a, b) => order[a.severity ?? "error"] - order[b.severity ?? "error"],
        )
        .map((finding, index) => (
          <li key={index} class={`finding ${finding.severity ?? "error"}`}>
            <span class="badge">{finding.severity ?? "error"}</span>{" "}
            <code>{finding.code}</code>{" "}
            {finding.pointer !== "" && <code>{finding.pointer}</code>}{" "}
            {finding.message}
            {finding.remediation !== undefined && (
              <pre>{finding.remediation}</pre>
            )}
          </li>
        ))}
    </ul>
  );
}

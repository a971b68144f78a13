import type { ComponentChildren } from "preact";
import { Changes } from "../components/changes.js";
import { Problem } from "../components/problem.js";
import { NoLatestTick } from "../components/tick.js";
import { Tile } from "../components/tile.js";
import { canonicalRegion, regionCount } from "../geography.js";
import { NO_LATEST } from "../no-latest.js";
import type { ImageName } from "../routes.js";
import { CopyText } from "./copy-text.js";
import { FieldLink, FindingNote } from "./fields.js";
import { isError, type Placed } from "./model/fields.js";
import { isExcluded, PROMOTION, promoteWhen, wavesOf, type Form } from "./model/form.js";
import { at, textsIn } from "./model/json.js";
import { commandLine, curlLine } from "./model/lines.js";
import { removedRegions, requestOf, type Base } from "./model/submission.js";
import type { PlanState } from "./use-plan.js";
import type { Submission } from "./use-submit.js";

/** The others come up as these are corrected. */
const MOST_PLACES = 6;

/**
 * What to correct, and where; the outcome; and the button. Each finding itself stands at its field.
 */
export function Review({
  image,
  form,
  base,
  next,
  begun,
  shown,
  hidden,
  state,
  again,
  submission,
  change,
  children,
}: {
  readonly image: ImageName;
  readonly form: Form;
  readonly base: Base | undefined;
  /** The number that it gets where it names none. */
  readonly next: string;
  readonly begun: boolean;
  readonly shown: readonly Placed[];
  /** Errors at fields that the person has not left yet. */
  readonly hidden: readonly Placed[];
  readonly state: PlanState;
  readonly again: () => void;
  readonly submission: Submission;
  readonly change: (changed: Partial<Form>) => void;
  readonly children?: ComponentChildren;
}) {
  const { plan } = state;
  const removed = removedRegions(form, base?.form);
  const errors = shown.filter(isError);
  const version = form.version || next;
  const unready = submission.sending
    ? "Sending…"
    : !begun
      ? "Each change is checked."
      : whyNot(state, errors, hidden, base);
  return (
    <aside class="card summary" aria-labelledby="summary-heading">
      <header>
        <h2 id="summary-heading" tabIndex={-1}>
          Review
        </h2>
        <span role="status" class="plan-status muted small">
          {begun && statusOf(state, errors.length, hidden.length)}
        </span>
      </header>
      <div class="pad">
        {state.error !== undefined && !state.checking && (
          <div role="alert">
            <p class="error-text">The plan could not be made. {state.error.message}</p>
            <button type="button" class="small" onClick={again}>
              Check again
            </button>
          </div>
        )}
        {shown
          .filter(({ field }) => field === undefined)
          .map((found, index) => (
            <FindingNote key={index} found={found} />
          ))}
        <Places form={form} title="to correct" findings={errors} />
        <Places form={form} title="to fill in" findings={hidden} />
        <Places form={form} title="to know" findings={shown.filter((found) => !isError(found))} />
        <Outcome title={`${image.imageName} ${version}`} form={form} plan={plan} />
        {removed.length > 0 && (
          <p class="warn-text">
            The version is removed from {removed.join(", ")}: virtual machines can no longer be made
            of it there.
          </p>
        )}
        {base !== undefined && plan !== undefined && (
          <>
            <h3>What would change</h3>
            <Changes
              changes={plan.changes}
              regions={form.regions.map(({ name }) => canonicalRegion(name))}
            />
          </>
        )}
        {plan?.findings.some(({ code }) => code === NO_LATEST) && (
          <NoLatestTick
            allowed={form.allowNoLatest}
            onAllow={(allowNoLatest) => change({ allowNoLatest })}
          />
        )}
        {children}
        <div role="alert">
          {submission.error !== undefined && <Problem error={submission.error} />}
          {submission.unchanged && <p>The version is already as requested, so nothing changed.</p>}
        </div>
        <div class="send">
          <button type="submit" class="primary full" disabled={unready !== undefined}>
            {base === undefined ? `Create ${version}` : savingText(plan?.changes.length)}
          </button>
          <p role="status" class="muted small">
            {unready}
          </p>
        </div>
      </div>
      <Lines image={image} form={form} base={base} plan={plan} />
    </aside>
  );
}

function statusOf({ checking, error }: PlanState, errors: number, hidden: number): string {
  if (checking) return "Checking…";
  if (error !== undefined) return "Not checked.";
  if (errors > 0) return `Checked: ${errors === 1 ? "1 error" : `${errors} errors`}.`;
  return hidden > 0 ? "Checked: something is still to be filled in." : "Checked: no error.";
}

/** Why nothing can be sent yet: only what the plan of this very request lets pass is. */
function whyNot(
  { checking, error, plan }: PlanState,
  errors: readonly Placed[],
  hidden: readonly Placed[],
  base: Base | undefined,
): string | undefined {
  if (checking) return "Checking…";
  if (error !== undefined) return "Not checked yet.";
  if (errors.length > 0) return `Correct ${counted(errors.length, "finding")} first.`;
  if (hidden.length > 0) return `Fill in ${counted(hidden.length, "field")} first.`;
  if (base !== undefined && plan?.changes.length === 0) return "Nothing is changed yet.";
  return plan === undefined ? "Not checked yet." : undefined;
}

function savingText(changes = 0): string {
  return changes === 0 ? "Save" : `Save ${counted(changes, "change")}`;
}

function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

const NOTES = {
  "to correct": "error",
  "to fill in": "",
  "to know": "warning",
} as const;

/** How many there are, with a way to each field. */
function Places({
  form,
  title,
  findings,
}: {
  readonly form: Form;
  readonly title: keyof typeof NOTES;
  readonly findings: readonly Placed[];
}) {
  const fields = [
    ...new Set(findings.flatMap(({ field }) => (field === undefined ? [] : [field]))),
  ];
  if (fields.length === 0) return null;
  return (
    <div class={`note ${NOTES[title]}`}>
      <Tile state="note-mark" />
      <div>
        <b>
          {findings.length} {title}
        </b>
        <ul class="places">
          {fields.slice(0, MOST_PLACES).map((field) => (
            <li key={field}>
              <FieldLink form={form} field={field} />
            </li>
          ))}
          {fields.length > MOST_PLACES && <li>and {fields.length - MOST_PLACES} more</li>}
        </ul>
      </div>
    </div>
  );
}

/** The request, and the same by other means. */
function Lines({
  image,
  form,
  base,
  plan,
}: {
  readonly image: ImageName;
  readonly form: Form;
  readonly base: Base | undefined;
  readonly plan: PlanState["plan"];
}) {
  const request = requestOf(image, form, base);
  // For a change it would be another command for each field.
  const command = base === undefined ? commandLine(image, form) : undefined;
  const body = (of: unknown): string => JSON.stringify(of, undefined, 2);
  const lines = [
    command && {
      title: `The same with ${command.az ? "az" : "sigil"}`,
      label: "The command line",
      text: command.text,
      said: [
        command.az &&
          "With sigil for az sig, Sigil checks it first, and follows it to the last region.",
        command.file &&
          "Options do not say all of it: version.json is the body of the request to Sigil.",
      ],
    },
    {
      title: "The request to Sigil",
      label: "The request to Sigil",
      text: `${request.method} ${request.address}\n${body(request.body)}`,
    },
    {
      title: "The same with curl",
      label: "The curl line",
      text: curlLine(location.origin, request),
    },
    plan?.request && {
      title: "What is sent to Azure",
      label: "The request to Azure Resource Manager",
      text: `${plan.request.method} ${plan.request.url}\n${body(plan.request.body)}`,
    },
  ].filter((line) => line !== undefined);
  return (
    <>
      {lines.map(({ title, label, text, said }) => (
        <details key={label} class="fold">
          <summary>{title}</summary>
          <div class="pad">
            {said && <p class="sub">{said}</p>}
            <CopyText label={label} text={text} />
          </div>
        </details>
      ))}
    </>
  );
}

/** The outcome, in a few lines. */
function Outcome({
  title,
  form,
  plan,
}: {
  readonly title: string;
  readonly form: Form;
  readonly plan: PlanState["plan"];
}) {
  return (
    <dl class="pairs">
      <dt>Version</dt>
      <dd>{title}</dd>
      <dt>Copies</dt>
      <dd>{copiesText(form)}</dd>
      {plan?.storage !== undefined && (
        <>
          <dt>Storage</dt>
          <dd>
            <Short text={plan.storage} short={plan.storage.split(": ").at(-1) ?? ""} />
          </dd>
        </>
      )}
      {plan?.duration !== undefined && (
        <>
          <dt>Time</dt>
          <dd>
            <Short text={plan.duration} short={durationText(plan.duration)} />
          </dd>
        </>
      )}
      <dt>Latest</dt>
      <dd>{promotionText(form)}</dd>
    </dl>
  );
}

/** Enough for a few regions; longer text is folded. */
const LONGEST = 200;

function Short({ text, short }: { readonly text: string; readonly short: string }) {
  return text.length <= LONGEST ? (
    <>{text}</>
  ) : (
    <details>
      <summary class="small">{short}</summary>
      {text}
    </details>
  );
}

function durationText(text: string): string {
  const regions = text.split("; ");
  const known = regions.filter((each) => !each.includes("not known yet"));
  return `Known of ${known.length} of ${regions.length} regions`;
}

function copiesText({ regions }: Form): string {
  if (regions.length === 0) return "No region yet";
  const replicas = regions.map(({ replicas: count }) => Number(count || "1"));
  const sum = replicas.reduce((a, b) => a + b, 0);
  return Number.isInteger(sum)
    ? `${sum} ${sum === 1 ? "replica" : "replicas"} in ${regionCount(regions.length)}`
    : regionCount(regions.length);
}

function promotionText(form: Form): string {
  const named = textsIn(at(form.body, PROMOTION), "regions").map(canonicalRegion).join(", ");
  const waves = wavesOf(form).map((wave) => textsIn(wave, "regions"));
  switch (promoteWhen(form)) {
    case "":
      return isExcluded(form)
        ? "Excluded from latest: machines created without a version number do not get it."
        : "In latest: machines created without a version number get it in each region where it is ready.";
    case "manual":
      return "Held back until a person promotes it.";
    case "allRegionsReady":
      return "Held back until every region is ready; then Sigil promotes it.";
    case "tested":
      return `Held back until its tests have passed in ${named || "every region"}; then Sigil promotes it.`;
    case "waves":
      return `Held back, and promoted in ${waves.length === 1 ? "1 wave" : `${waves.length} waves`}: ${waves.map((regions) => (regions.length > 3 ? regionCount(regions.length) : regions.join(", ") || "no region")).join("; then ")}.`;
    default:
      return `Held back until ${named || "some regions"} are ready; then Sigil promotes it.`;
  }
}

import type { ComponentChildren } from "preact";
import { NO_LATEST } from "../dialogs/action.js";
import { NoLatestTick } from "../components/tick.js";
import { Changes } from "../components/changes.js";
import { Problem } from "../components/problem.js";
import type { ImageName } from "../routes.js";
import { CopyText } from "./copy-text.js";
import { Section } from "./fields.js";
import { canonicalRegion, namesIn, type Form } from "./model/form.js";
import { commandLine, curlLine } from "./model/lines.js";
import {
  latestChanges,
  removedRegions,
  requestOf,
  type Base,
} from "./model/submission.js";
import type { PlanState } from "./use-plan.js";
import type { Submission } from "./use-submit.js";

export function Review({
  image,
  form,
  base,
  plan,
  errors,
  submission,
  change,
  children,
}: {
  readonly image: ImageName;
  readonly form: Form;
  readonly base: Base | undefined;
  readonly plan: PlanState["plan"];
  readonly errors: number;
  readonly submission: Submission;
  readonly change: (changed: Partial<Form>) => void;
  readonly children?: ComponentChildren;
}) {
  const request = requestOf(image, form, base);
  // Of a change it would be another for each field.
  const command = base === undefined ? commandLine(image, form) : undefined;
  const removed = removedRegions(form, base?.form);
  return (
    <Section id="review">
      <p>{promotionText(form)}</p>
      <Estimate plan={plan} />
      {removed.length > 0 && (
        <p class="warn-text">
          The version is removed from {removed.join(", ")}: virtual machines can
          no longer be made of it there.
        </p>
      )}
      {base !== undefined && plan !== undefined && (
        <>
          <h3>What would change</h3>
          <Changes changes={[...plan.changes, ...latestChanges(form, base)]} />
        </>
      )}
      {plan?.findings.some(({ code }) => code === NO_LATEST) && (
        <NoLatestTick
          allowed={form.allowNoLatest}
          onAllow={(allowNoLatest) => change({ allowNoLatest })}
        />
      )}
      <details>
        <summary>The request to Sigil</summary>
        <CopyText
          label="The request to Sigil"
          text={`${request.method} ${request.address}\n${JSON.stringify(request.body, undefined, 2)}`}
        />
      </details>
      {plan?.request !== undefined && (
        <details>
          <summary>The request to Azure Resource Manager</summary>
          <CopyText
            label="The request to Azure Resource Manager"
            text={`${plan.request.method} ${plan.request.url}\n${JSON.stringify(plan.request.body, undefined, 2)}`}
          />
        </details>
      )}
      <details>
        <summary>The same with curl</summary>
        <CopyText
          label="The curl line"
          text={curlLine(location.origin, request)}
        />
      </details>
      {command !== undefined && (
        <details>
          <summary>The same with {command.az ? "az" : "sigil"}</summary>
          <p class="sub">
            {command.az &&
              "With sigil for az sig, Sigil checks it first, and follows it to the last region."}
            {command.file &&
              "Options do not say all of it: version.json is the body above."}
          </p>
          <CopyText label="The command line" text={command.text} />
        </details>
      )}
      {children}
      <div role="alert">
        {submission.error !== undefined && <Problem error={submission.error} />}
        {submission.unchanged && (
          <p>The version is as requested already: nothing was to be done.</p>
        )}
      </div>
      <p class="row">
        <button type="submit" class="primary" disabled={submission.sending}>
          {base === undefined ? "Create the version" : "Change the version"}
        </button>
        <span role="status">
          {submission.sending
            ? "Sending…"
            : errors > 0
              ? `${errors} ${errors === 1 ? "error is" : "errors are"} to be corrected first.`
              : ""}
        </span>
      </p>
    </Section>
  );
}

function promotionText({
  promoteWhen,
  promoteRegions,
  exclude,
  waves,
}: Form): string {
  switch (promoteWhen) {
    case "":
      return exclude
        ? "Excluded from latest: virtual machines made without a version number do not get it."
        : "In latest: virtual machines made without a version number get it in each region that it is ready in.";
    case "manual":
      return "Held back from latest until somebody promotes it.";
    case "allRegionsReady":
      return "Held back from latest until every region is ready; then Sigil promotes it.";
    case "tested":
      return `Held back from latest until its tests have passed in ${namesIn(promoteRegions).map(canonicalRegion).join(", ") || "every region"}; then Sigil promotes it.`;
    case "waves":
      return `Held back from latest, and promoted in waves: ${waves.map(({ regions }) => namesIn(regions).map(canonicalRegion).join(", ") || "no region").join("; then ")}.`;
    case "regions":
      return `Held back from latest until ${namesIn(promoteRegions).map(canonicalRegion).join(", ") || "some regions"} are ready; then Sigil promotes it.`;
  }
}

export function jsonText(value: unknown): string {
  return value === undefined ? "–" : JSON.stringify(value);
}

/** What the version holds in Azure, and how long its new copies usually take. */
function Estimate({ plan }: { readonly plan: PlanState["plan"] }) {
  return (
    <>
      {plan?.storage !== undefined && <p>Storage: {plan.storage}</p>}
      {plan?.duration !== undefined && <p>Time: {plan.duration}</p>}
    </>
  );
}

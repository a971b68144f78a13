import { useEffect, useState } from "preact/hooks";
import { Time } from "../components/time.js";
import { useClient } from "../context.js";
import { canonicalRegion } from "../geography.js";
import { inTab } from "../kept.js";
import { navigate } from "../navigation.js";
import type { ImageName } from "../routes.js";
import type { VersionSummary } from "../summaries.js";
import { useCurrent } from "../use-current.js";
import { Basics } from "./basics.js";
import { FindingsContext, focusField, type SectionProps } from "./fields.js";
import { Keys } from "./keys.js";
import { Latest } from "./latest.js";
import { bodyOf } from "./model/body.js";
import { rebased } from "./model/changes.js";
import { dropDraft, keepDraft, readDraft } from "./model/drafts.js";
import { COPIED, findInForm, isError, isLeft, merged, place, type Left } from "./model/fields.js";
import { EMPTY_FORM, isByDisk, withRegions, type Form } from "./model/form.js";
import type { Json } from "./model/json.js";
import { nextNumber } from "./model/numbers.js";
import { formOf } from "./model/read.js";
import { findSet } from "./model/sets.js";
import type { Base } from "./model/submission.js";
import { Outdated } from "./outdated.js";
import { Paste } from "./paste.js";
import { Regions } from "./regions.js";
import { Review } from "./review.js";
import { TagsSection } from "./tags.js";
import { sourceKey, usePlan } from "./use-plan.js";
import { useProposedSets, useSets, useSuggestedRule } from "./use-sets.js";
import { useSubmit } from "./use-submit.js";

export function VersionForm({
  image,
  versions,
  read,
  change,
  from,
  begin,
  start,
}: {
  readonly image: ImageName;
  /** Versions that there are, the highest first. */
  readonly versions: readonly VersionSummary[];
  /** A version as it is. */
  readonly read: (version: string) => Promise<Base>;
  /** The version to change, as it was read; absent: a new one. */
  readonly change: { readonly version: string; readonly base: Base } | undefined;
  /** For a new version: the one to copy that was asked for, or "none"; absent: the usual one. */
  readonly from: string | undefined;
  /** The one that was copied, or "none". */
  readonly begin: string;
  /** The form at the start. */
  readonly start: Form;
}) {
  const client = useClient();
  const names = versions.map(({ name }) => name);
  const draftName = change?.version ?? (from && `from ${from}`);
  const [draft, setDraft] = useState(() => readDraft(inTab, image, draftName));
  const [base, setBase] = useState(() => baseOf(draft) ?? change?.base);
  const [form, setForm] = useState<Form>(draft?.form ?? start);
  const [begun, setBegun] = useState(draft !== undefined || start !== EMPTY_FORM);
  // Values that are filled in at the start count as left.
  const unseen = (): Left =>
    change !== undefined ? "all" : new Set(start === EMPTY_FORM ? [] : [COPIED]);
  const [left, setLeft] = useState<Left>(draft ? "all" : unseen);
  const sets = useSets(client, image.subscriptionId);
  const next = nextNumber(names, form.increment);
  const [plan, showFindings, planAgain] = usePlan(
    client,
    image,
    { form, base, version: form.version || next },
    begun,
  );
  const edit: SectionProps<Form>["change"] = (changed) => {
    setBegun(true);
    setForm((now) => ({
      ...now,
      ...(typeof changed === "function" ? changed(now) : changed),
    }));
    if (submission.error !== undefined && !submission.outdated) resume();
  };
  const others = versions.filter(({ name }) => name !== change?.version);
  const proposeSets = useProposedSets(sets, { image, others, read, edit });
  const suggestedRule = useSuggestedRule({ image, others, read });
  const { sourceDataDiskLuns } = plan.plan ?? {};
  const current = useCurrent({ source: form.source, edit });
  useEffect(() => {
    const { source, edit: change } = current.current;
    if (sourceDataDiskLuns === undefined || isByDisk(source.kind)) return;
    if (source.luns.join() !== sourceDataDiskLuns.join())
      change({ source: { ...source, luns: sourceDataDiskLuns } });
  }, [sourceDataDiskLuns, current]);
  useEffect(() => {
    if (!begun || form === start) return;
    keepDraft(inTab, image, draftName, {
      form,
      savedTime: new Date().toISOString(),
      ...(base && { base: base.form, etag: base.etag }),
    });
  }, [begun, form, base, draftName, image, start]);
  const [submission, submit, resume] = useSubmit(client, image, {
    onAccepted: (version) => {
      dropDraft(inTab, image, draftName);
      navigate({ view: "version", image, version });
    },
    onFound: (found) => showFindings(place(found, form)),
  });

  const findings = begun ? merged(plan.findings, findInForm(form)) : [];
  const shown = findings.filter(
    ({ field }) => field === undefined || isLeft(form, left, field, document.activeElement?.id),
  );
  const hidden = findings.filter((found) => isError(found) && !shown.includes(found));
  const restart = (as: Form): void => {
    dropDraft(inTab, image, draftName);
    setDraft(undefined);
    setBegun(start !== EMPTY_FORM);
    setLeft(unseen);
    setForm(as);
  };
  return (
    <FindingsContext.Provider value={shown}>
      {draft !== undefined && (
        <p class="banner" role="status">
          <span>
            This is your draft of <Time value={draft.savedTime} />.
          </span>
          <button
            type="button"
            onClick={() => {
              setBase(change?.base);
              restart(start);
            }}
          >
            Discard it
          </button>
        </p>
      )}
      <form
        class="version-form"
        noValidate
        onFocusOut={({ target }) => {
          if (left !== "all") setLeft(withLeft(left, target));
        }}
        onSubmit={(event) => {
          event.preventDefault();
          if (submission.sending) return;
          if (!begun) setBegun(true);
          setLeft("all");
          // The findings before the last change may be corrected, so the service checks again.
          const [first] = [...(plan.checking ? [] : findings), ...findInForm(form)].filter(isError);
          if (first === undefined) submit(form, base);
          else focusField(first.field ?? "summary-heading");
        }}
      >
        <div class="version-sections">
          {change === undefined && (
            <Paste
              onPaste={(body) => {
                setLeft("all");
                edit(
                  formOf(body, {
                    version: form.version,
                    typeOf: (id) => findSet(sets.value ?? [], id)?.encryptionType,
                  }),
                );
              }}
            />
          )}
          <Basics
            image={image}
            form={form}
            from={begin}
            names={names}
            next={next}
            lunsKnown={plan.toldSource === sourceKey(form)}
            change={edit}
          />
          <Keys image={image} form={form} sets={sets} suggestedRule={suggestedRule} change={edit} />
          <Latest form={form} change={edit} />
          <Regions
            image={image}
            form={form}
            sets={sets}
            known={[
              ...new Set([
                ...(sets.value ?? []).map(({ region }) => region),
                ...versions.flatMap(({ regions }) => regions.map(({ name }) => name)),
              ]),
            ].sort()}
            add={(regions) => {
              edit((now) => withRegions(now, regions));
              proposeSets(regions);
            }}
            change={edit}
          />
          <TagsSection form={form} change={edit} />
        </div>
        <Review
          image={image}
          form={form}
          base={base}
          next={next}
          begun={begun}
          shown={shown}
          hidden={hidden}
          state={plan}
          again={planAgain}
          submission={submission}
          change={edit}
        >
          {submission.outdated && base && change && (
            <Outdated
              base={base}
              read={() => read(change.version)}
              onTake={(now, keepMine) => {
                const mine = keepMine ? onTop(base.form, form, now.form) : now.form;
                setBase(now);
                resume();
                if (keepMine) edit(mine);
                else restart(mine);
              }}
            />
          )}
        </Review>
      </form>
    </FindingsContext.Provider>
  );
}

function baseOf(draft: ReturnType<typeof readDraft>): Base | undefined {
  return draft?.base !== undefined && draft.etag !== undefined
    ? { form: draft.base, etag: draft.etag }
    : undefined;
}

/** A field is left with what it is a part of. */
function withLeft(left: ReadonlySet<string>, target: EventTarget | null): ReadonlySet<string> {
  const ids: string[] = [];
  for (
    let element = target instanceof Element ? target : null;
    element !== null && element.tagName !== "FORM";
    element = element.parentElement
  )
    if (element.id !== "") ids.push(element.id);
  return ids.every((id) => left.has(id)) ? left : new Set([...left, ...ids]);
}

/** The person's own changes of `base`, on top of others' changes. */
function onTop(base: Form, mine: Form, theirs: Form): Form {
  const [b, m, t] = [base, mine, theirs].map((form) => bodyOf(form) as unknown as Json);
  const merged = formOf(rebased(b, m, t), {
    version: mine.version,
    exists: true,
  });
  return {
    ...merged,
    source: theirs.source,
    encryption: mine.encryption,
    // Azure's values of a region stay.
    regions: merged.regions.map((region) => {
      const there = theirs.regions.find(
        ({ name }) => canonicalRegion(name) === canonicalRegion(region.name),
      );
      return {
        ...region,
        present: there !== undefined,
        fixed: there?.fixed ?? [],
      };
    }),
  };
}

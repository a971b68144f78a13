import { useEffect, useState } from "preact/hooks";
import { Time } from "../components/time.js";
import { useClient } from "../context.js";
import { inTab } from "../kept.js";
import { navigate } from "../navigation.js";
import type { ImageName } from "../routes.js";
import { Basics } from "./basics.js";
import { Encryption } from "./encryption.js";
import { FindingsContext, focusField } from "./fields.js";
import { rebased } from "./model/changes.js";
import { dropDraft, keepDraft, readDraft } from "./model/drafts.js";
import { findInForm, isError, merged, place } from "./model/fields.js";
import {
  bodyOf,
  canonicalRegion,
  EMPTY_FORM,
  formOf,
  withRegion,
  type Form,
} from "./model/form.js";
import type { Json } from "./model/json.js";
import { nextNumber } from "./model/numbers.js";
import { findSet } from "./model/sets.js";
import type { Base } from "./model/submission.js";
import { Outdated } from "./outdated.js";
import { Paste } from "./paste.js";
import { PlanSummary } from "./plan-summary.js";
import { Regions } from "./regions.js";
import { Review } from "./review.js";
import { Source } from "./source.js";
import { sourceKey, usePlan } from "./use-plan.js";
import { useSets } from "./use-sets.js";
import { useSubmit } from "./use-submit.js";

const NEW = withRegion(EMPTY_FORM);

export function VersionForm({
  image,
  names,
  change,
}: {
  readonly image: ImageName;
  /** Versions that there are. */
  readonly names: readonly string[];
  /** The version to change, as it was read; absent: a new one. */
  readonly change?: {
    readonly version: string;
    readonly base: Base;
    readonly read: () => Promise<Base>;
  };
}) {
  const client = useClient();
  const [draft, setDraft] = useState(() =>
    readDraft(inTab, image, change?.version),
  );
  const [base, setBase] = useState<Base | undefined>(
    draft?.base !== undefined && draft.etag !== undefined
      ? { form: draft.base, etag: draft.etag }
      : change?.base,
  );
  const [form, setForm] = useState<Form>(draft?.form ?? base?.form ?? NEW);
  const [begun, setBegun] = useState(draft !== undefined);
  const sets = useSets(client, image.subscriptionId);
  const next = nextNumber(names, form.increment);
  const [plan, showFindings, planAgain] = usePlan(
    client,
    image,
    { form, base, version: form.version || next },
    begun,
  );
  const edit = (changed: Partial<Form>): void => {
    setBegun(true);
    setForm((shown) => ({ ...shown, ...changed }));
    if (submission.error !== undefined && !submission.outdated) resume();
  };
  const { sourceDataDiskLuns } = plan.plan ?? {};
  const ofSource = sourceDataDiskLuns?.join();
  useEffect(() => {
    const { kind, luns } = form.source;
    if (!begun || sourceDataDiskLuns === undefined || kind === "disks") return;
    if (luns.join() !== ofSource)
      edit({ source: { ...form.source, luns: sourceDataDiskLuns } });
  }, [ofSource, plan.plan]);
  useEffect(() => {
    if (!begun) return;
    keepDraft(inTab, image, change?.version, {
      form,
      savedTime: new Date().toISOString(),
      ...(base && { base: base.form, etag: base.etag }),
    });
  }, [begun, form, base]);
  const [submission, submit, resume] = useSubmit(client, image, {
    onAccepted: (version) => {
      dropDraft(inTab, image, change?.version);
      navigate({ view: "version", image, version });
    },
    onFound: (found) => showFindings(place(found, form)),
  });

  const findings = begun ? merged(plan.findings, findInForm(form)) : [];
  const errors = findings.filter(isError).length;
  const restart = (from: Form): void => {
    dropDraft(inTab, image, change?.version);
    setDraft(undefined);
    setBegun(false);
    setForm(from);
  };
  return (
    <FindingsContext.Provider value={findings}>
      {draft !== undefined && (
        <p class="banner" role="status">
          <span>
            This is your draft of <Time value={draft.savedTime} />.
          </span>
          <button
            type="button"
            onClick={() => {
              setBase(change?.base);
              restart(change?.base.form ?? NEW);
            }}
          >
            Discard it
          </button>
        </p>
      )}
      <form
        class="version-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (submission.sending) return;
          if (!begun) setBegun(true);
          // What was found before the last change may be corrected: the service checks it once more.
          const known = plan.checking ? 0 : errors;
          if (known > 0 || findInForm(form).some(isError))
            focusField("summary-heading");
          else submit(form, base);
        }}
      >
        <PlanSummary
          form={form}
          findings={findings}
          state={plan}
          begun={begun}
          again={planAgain}
        />
        <div class="version-sections">
          {change === undefined && (
            <Paste
              onPaste={(body) =>
                edit(
                  formOf(body, {
                    version: form.version,
                    typeOf: (id) =>
                      findSet(sets.value ?? [], id)?.encryptionType,
                  }),
                )
              }
            />
          )}
          <Basics form={form} next={next} change={edit} />
          <Source
            image={image}
            form={form}
            lunsKnown={plan.toldSource === sourceKey(form)}
            change={edit}
          />
          <Regions
            form={form}
            known={[
              ...new Set((sets.value ?? []).map(({ region }) => region)),
            ].sort()}
            change={edit}
          />
          <Encryption image={image} form={form} sets={sets} change={edit} />
          <Review
            image={image}
            form={form}
            base={base}
            plan={plan.plan}
            errors={errors}
            submission={submission}
            change={edit}
          >
            {submission.outdated && base && change && (
              <Outdated
                base={base}
                read={change.read}
                onTake={(now, keepMine) => {
                  const mine = keepMine
                    ? onTop(base.form, form, now.form)
                    : now.form;
                  setBase(now);
                  resume();
                  if (keepMine) edit(mine);
                  else restart(mine);
                }}
              />
            )}
          </Review>
        </div>
      </form>
    </FindingsContext.Provider>
  );
}

/** One's own changes of `base`, on top of what others have made of it. */
function onTop(base: Form, mine: Form, theirs: Form): Form {
  const [b, m, t] = [base, mine, theirs].map(
    (form) => bodyOf(form) as unknown as Json,
  );
  const merged = formOf(rebased(b, m, t), {
    version: mine.version,
    exists: true,
  });
  return {
    ...merged,
    source: theirs.source,
    encryption: mine.encryption,
    // What Azure has of a region stays.
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

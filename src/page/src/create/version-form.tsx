import { useEffect, useState } from "preact/hooks";
import { Time } from "../components/time.js";
import { useClient } from "../context.js";
import { canonicalRegion } from "../geography.js";
import { inTab } from "../kept.js";
import { navigate } from "../navigation.js";
import type { ImageName } from "../routes.js";
import { Basics } from "./basics.js";
import { FindingsContext, focusField, type SectionProps } from "./fields.js";
import { Keys } from "./keys.js";
import { Latest } from "./latest.js";
import { bodyOf } from "./model/body.js";
import { rebased } from "./model/changes.js";
import { dropDraft, keepDraft, readDraft } from "./model/drafts.js";
import {
  findInForm,
  isError,
  isLeft,
  merged,
  place,
  type Left,
} from "./model/fields.js";
import { EMPTY_FORM, isByDisk, type Form } from "./model/form.js";
import type { Json } from "./model/json.js";
import { nextNumber } from "./model/numbers.js";
import { formOf } from "./model/read.js";
import { copied } from "./model/regions.js";
import { findSet } from "./model/sets.js";
import type { Base } from "./model/submission.js";
import { Outdated } from "./outdated.js";
import { Paste } from "./paste.js";
import { Regions } from "./regions.js";
import { Review } from "./review.js";
import { TagsSection } from "./tags.js";
import { sourceKey, usePlan } from "./use-plan.js";
import { useSets } from "./use-sets.js";
import { useSubmit } from "./use-submit.js";

export function VersionForm({
  image,
  names,
  regions,
  read,
  change,
}: {
  readonly image: ImageName;
  /** Versions that there are, the highest first. */
  readonly names: readonly string[];
  /** Regions of theirs. */
  readonly regions: readonly string[];
  /** A version as it is. */
  readonly read: (version: string) => Promise<Base>;
  /** The version to change, as it was read; absent: a new one. */
  readonly change?: { readonly version: string; readonly base: Base };
}) {
  const client = useClient();
  const [draft, setDraft] = useState(() =>
    readDraft(inTab, image, change?.version),
  );
  const [base, setBase] = useState(() => baseOf(draft) ?? change?.base);
  const [form, setForm] = useState<Form>(
    draft?.form ?? base?.form ?? EMPTY_FORM,
  );
  const [begun, setBegun] = useState(draft !== undefined);
  // What comes filled in was left by whoever filled it in.
  const [left, setLeft] = useState<Left>((draft ?? change) ? "all" : new Set());
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
  const { sourceDataDiskLuns } = plan.plan ?? {};
  const ofSource = sourceDataDiskLuns?.join();
  useEffect(() => {
    const { kind, luns } = form.source;
    if (!begun || sourceDataDiskLuns === undefined || isByDisk(kind)) return;
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
  const shown = findings.filter(
    ({ field }) =>
      field === undefined ||
      isLeft(form, left, field, document.activeElement?.id),
  );
  const hidden = findings.filter(
    (found) => isError(found) && !shown.includes(found),
  );
  const restart = (from: Form): void => {
    dropDraft(inTab, image, change?.version);
    setDraft(undefined);
    setBegun(false);
    setLeft(change === undefined ? new Set() : "all");
    setForm(from);
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
              restart(change?.base.form ?? EMPTY_FORM);
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
          // What was found before the last change may be corrected: the service checks it once more.
          const [first] = [
            ...(plan.checking ? [] : findings),
            ...findInForm(form),
          ].filter(isError);
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
                    typeOf: (id) =>
                      findSet(sets.value ?? [], id)?.encryptionType,
                  }),
                );
              }}
            />
          )}
          <Basics
            image={image}
            form={form}
            next={next}
            lunsKnown={plan.toldSource === sourceKey(form)}
            change={edit}
          />
          <Keys image={image} form={form} sets={sets} change={edit} />
          <Latest form={form} change={edit} />
          <Regions
            image={image}
            form={form}
            sets={sets}
            known={[
              ...new Set([
                ...(sets.value ?? []).map(({ region }) => region),
                ...regions,
              ]),
            ].sort()}
            names={change === undefined ? names : []}
            copy={async (version) => {
              const from = await read(version);
              edit((now) => copied(now, from.form, image));
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
function withLeft(
  left: ReadonlySet<string>,
  target: EventTarget | null,
): ReadonlySet<string> {
  const ids: string[] = [];
  for (
    let element = target instanceof Element ? target : null;
    element !== null && element.tagName !== "FORM";
    element = element.parentElement
  )
    if (element.id !== "") ids.push(element.id);
  return ids.every((id) => left.has(id)) ? left : new Set([...left, ...ids]);
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

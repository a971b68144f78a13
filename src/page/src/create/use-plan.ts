import { useEffect, useRef, useState } from "preact/hooks";
import { ProblemError, type Client, type Schemas } from "@sigil/client";
import type { ImageName } from "../routes.js";
import { isError, place, type Found, type Placed } from "./model/fields.js";
import { bodyOf } from "./model/body.js";
import type { Form } from "./model/form.js";
import { createPlanner, type Planner } from "./model/planner.js";
import { removedRegions, type Base } from "./model/submission.js";
import { errorOf } from "../retry.js";

interface PlanInput {
  readonly form: Form;
  readonly base: Base | undefined;
  /** The number to plan under. */
  readonly version: string;
}

export interface PlanState {
  /** True from a change until what the plan of it says. */
  readonly checking: boolean;
  readonly findings: readonly Placed[];
  /** The last plan that was made; absent where the request is not well formed. */
  readonly plan?: Schemas["Plan"];
  /** The source whose data disks the service has told last. */
  readonly toldSource?: string;
  /** Why there is no plan, where that is no finding. */
  readonly error?: Error;
}

/** What the service finds in the form, at most every two seconds, anew with each change. */
export function usePlan(
  client: Client,
  image: ImageName,
  input: PlanInput,
  enabled: boolean,
): readonly [
  state: PlanState,
  show: (findings: readonly Placed[]) => void,
  again: () => void,
] {
  const [state, setState] = useState<PlanState>({
    checking: false,
    findings: [],
  });
  const planner = useRef<Planner<PlanInput> | undefined>(undefined);
  useEffect(() => {
    planner.current = createPlanner<PlanInput, Schemas["Plan"]>({
      plan: async ({ form, base, version }, signal) => {
        const removed = removedRegions(form, base?.form);
        const { body } = await client.call("planImageVersion", {
          path: { ...image, versionName: version },
          query: {
            ...(form.allowNoLatest && { allowNoLatest: true }),
            ...(removed.length > 0 && { removeRegions: removed.join(",") }),
          },
          header: { ...(base && { "If-Match": base.etag }) },
          body: bodyOf(form),
          signal,
        });
        return base === undefined
          ? body
          : { ...body, findings: body.findings.filter(isOfPatch) };
      },
      onBegin: () => setState((shown) => ({ ...shown, checking: true })),
      onResult: ({ form }, plan) =>
        setState(({ toldSource }) => ({
          checking: false,
          plan,
          findings: place(plan.findings, form),
          ...told(
            plan.sourceDataDiskLuns === undefined
              ? toldSource
              : sourceKey(form),
          ),
        })),
      onError: ({ form }, error) =>
        setState(({ toldSource }) => ({
          ...failed(error, form),
          ...told(toldSource),
        })),
    });
    return () => planner.current?.close();
  }, [client]);
  const { form, base, version } = input;
  const again = (): void => {
    setState((shown) => ({ ...shown, checking: true }));
    planner.current?.request({ form, base, version });
  };
  useEffect(() => {
    if (enabled) again();
  }, [enabled, form, base, version]);
  const show = (findings: readonly Placed[]): void =>
    setState(({ toldSource }) => ({
      checking: false,
      findings,
      ...told(toldSource),
    }));
  return [state, show, again];
}

/** A plan is of a PUT: what that leaves as it is of latest and of the rule, the patch that is sent says. */
function isOfPatch({ code }: Found): boolean {
  return !["StaysIncluded", "StaysExcluded", "RuleStays"].includes(code);
}

const told = (toldSource: string | undefined): Pick<PlanState, "toldSource"> =>
  toldSource === undefined ? {} : { toldSource };

export function sourceKey({ source }: Form): string {
  return `${source.kind} ${source.id.trim()}`;
}

function failed(error: unknown, form: Form): PlanState {
  const findings = findingsOf(error);
  if (findings !== undefined)
    return { checking: false, findings: place(findings, form) };
  return {
    checking: false,
    findings: [],
    error: errorOf(error),
  };
}

/** What a refusal says is wrong with the request; undefined where it is no refusal of the request. */
export function findingsOf(error: unknown): readonly Found[] | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  const { status, code, message, errors = [] } = error;
  if (status === 401 || status === 429 || status >= 500) return undefined;
  return errors.some(isError)
    ? errors
    : [{ pointer: "", code, message, severity: "error" }, ...errors];
}

import { useEffect, useState } from "preact/hooks";
import { ProblemError, type Client, type Schemas } from "@sigil/client";
import type { ImageName } from "../routes.js";
import { isError, place, type Found, type Placed } from "./model/fields.js";
import { bodyOf } from "./model/body.js";
import type { Form } from "./model/form.js";
import { allowedOf, patchOf, type Base } from "./model/submission.js";
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
  /** The last plan; absent: the request is not well formed. */
  readonly plan?: Schemas["Plan"];
  /** The source whose data disks the service has told last. */
  readonly toldSource?: string | undefined;
  /** Why there is no plan, if no finding explains it. */
  readonly error?: Error;
}

/** A plan starts after this time without a change, so not while a person types. */
const SETTLED_MS = 500;

/** The service's findings about the form, after each change; only the last one's are shown. */
export function usePlan(
  client: Client,
  image: ImageName,
  { form, base, version }: PlanInput,
  enabled: boolean,
): readonly [state: PlanState, show: (findings: readonly Placed[]) => void, again: () => void] {
  const [state, setState] = useState<PlanState>({
    checking: false,
    findings: [],
  });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (!enabled) return;
    const controller = new AbortController();
    const { signal } = controller;
    const tell = (told: (shown: PlanState) => PlanState): void => {
      if (!signal.aborted) setState(told);
    };
    const plan = async (): Promise<void> => {
      const { body } = await client.call("planImageVersion", {
        path: { ...image, versionName: version },
        query: { ...allowedOf(form, base) },
        header: { ...(base && { "If-Match": base.etag }) },
        ...(base === undefined
          ? { body: bodyOf(form) }
          : { body: patchOf(form, base), contentType: "application/merge-patch+json" as const }),
        signal,
      });
      tell(({ toldSource }) => ({
        checking: false,
        plan: body,
        findings: place(body.findings, form),
        toldSource: body.sourceDataDiskLuns === undefined ? toldSource : sourceKey(form),
      }));
    };
    tell((shown) => ({ ...shown, checking: true }));
    const timer = setTimeout(() => {
      plan().catch((error: unknown) =>
        tell(({ toldSource }) => ({ ...failed(error, form), toldSource })),
      );
    }, SETTLED_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [client, enabled, form, base, version, attempt, image]);
  const show = (findings: readonly Placed[]): void =>
    setState(({ toldSource }) => ({ checking: false, findings, toldSource }));
  return [state, show, () => setAttempt((count) => count + 1)];
}

export function sourceKey({ source }: Form): string {
  return `${source.kind} ${source.id.trim()}`;
}

function failed(error: unknown, form: Form): PlanState {
  const findings = findingsOf(error);
  if (findings !== undefined) return { checking: false, findings: place(findings, form) };
  return {
    checking: false,
    findings: [],
    error: errorOf(error),
  };
}

/** A refusal's findings about the request; undefined: it does not refuse the request itself. */
export function findingsOf(error: unknown): readonly Found[] | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  const { status, code, message, errors = [] } = error;
  if (status === 401 || status === 429 || status >= 500) return undefined;
  return errors.some(isError)
    ? errors
    : [{ pointer: "", code, message, severity: "error" }, ...errors];
}

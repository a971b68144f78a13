import { useEffect, useRef, useState } from "preact/hooks";
import { parseResourceId, PreconditionFailedError, type Client } from "@sigil/client";
import { useRequestKey } from "../context.js";
import type { ImageName } from "../routes.js";
import type { Found } from "./model/fields.js";
import type { Form } from "./model/form.js";
import { allowedOf, requestOf, type Base } from "./model/submission.js";
import { findingsOf } from "./use-plan.js";
import { errorOf } from "../retry.js";

export interface Submission {
  readonly sending: boolean;
  readonly unchanged: boolean;
  readonly error?: Error;
  /** True if the version was changed since it was read. */
  readonly outdated: boolean;
}

const IDLE: Submission = { sending: false, unchanged: false, outdated: false };

export function useSubmit(
  client: Client,
  image: ImageName,
  {
    onAccepted,
    onFound,
  }: {
    readonly onAccepted: (version: string) => void;
    readonly onFound: (findings: readonly Found[]) => void;
  },
): readonly [Submission, (form: Form, base: Base | undefined) => void, () => void] {
  const [submission, setSubmission] = useState<Submission>(IDLE);
  const keyOf = useRequestKey();
  const left = useRef(false);
  useEffect(() => () => void (left.current = true), []);

  const send = async (form: Form, base: Base | undefined): Promise<void> => {
    const request = requestOf(image, form, base);
    const header = { "Idempotency-Key": keyOf(request) };
    const path = { ...image, versionName: form.version };
    setSubmission({ ...IDLE, sending: true });
    try {
      const answer =
        request.method === "PATCH"
          ? await client.call("patchImageVersion", {
              path,
              query: { plan: "require", ...allowedOf(form, base) },
              header: { ...header, ...request.headers },
              body: request.body,
            })
          : request.method === "POST"
            ? await client.call("createNextImageVersion", {
                path: { ...image },
                query: { plan: "require", increment: form.increment },
                header,
                body: request.body,
              })
            : await client.call("putImageVersion", {
                path,
                query: { plan: "require" },
                header: { ...header, ...request.headers },
                body: request.body,
              });
      if (left.current) return;
      if (answer.status === 200) {
        setSubmission({ ...IDLE, unchanged: true });
        return;
      }
      const { resourceId } = answer.body;
      onAccepted(parseResourceId(resourceId)?.names[2] ?? form.version);
    } catch (error) {
      if (left.current) return;
      const found = findingsOf(error);
      const outdated = base !== undefined && error instanceof PreconditionFailedError;
      if (found !== undefined && !outdated) onFound(found);
      setSubmission({
        ...IDLE,
        outdated,
        error: errorOf(error),
      });
    }
  };
  return [submission, (form, base) => void send(form, base), () => setSubmission(IDLE)];
}

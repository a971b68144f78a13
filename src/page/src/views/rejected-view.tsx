import { useState } from "preact/hooks";
import type { Schemas } from "@sigil/client";
import { Accepted } from "../components/accepted.js";
import { Dialog } from "../components/dialog.js";
import { Head } from "../components/head.js";
import { Findings } from "../components/problem.js";
import { Say } from "../components/box.js";
import { Time } from "../components/time.js";
import { useClient, useMay } from "../context.js";
import { parseJson } from "../create/model/json.js";
import { useLive } from "../live.js";
import { readRejected } from "../rejected.js";
import { IDLE_MS } from "../retry.js";
import type { Operation } from "../operations.js";

type Rejected = Schemas["RejectedRequest"];

/** Requests by Service Bus that were rejected, and are kept for a time. */
export function RejectedView() {
  return useMay("Admin") ? (
    <List />
  ) : (
    <>
      <Head title="Rejected requests" />
      <p>
        Rejected requests are shown to who has the role <code>ImageVersions.Admin</code>.
      </p>
    </>
  );
}

function List() {
  const client = useClient();
  const [sending, setSending] = useState<Rejected>();
  const [correcting, setCorrecting] = useState<Rejected>();
  const [accepted, setAccepted] = useState<Operation>();
  const live = useLive<Schemas["RejectedRequestList"]>(
    "rejected",
    (_, signal) => readRejected(client, signal),
    () => IDLE_MS,
  );
  const requests = live.value?.value;
  const done = (operation: Operation): void => {
    setAccepted(operation);
    live.refresh();
  };
  return (
    <>
      <Head
        title="Rejected requests"
        live={live}
        meta=" · What came by Service Bus and could not be accepted; oldest first"
      />
      <Accepted operation={accepted} />
      <div role="status">
        {requests?.length === 0 && (
          <section class="card">
            <Say tile="done" title="There are none.">
              <p>Every request by Service Bus was accepted.</p>
            </Say>
          </section>
        )}
        {live.value?.continuationToken !== undefined && <p>The oldest hundred are shown.</p>}
      </div>
      <div class="stack">
        {(requests ?? []).map((request) => (
          <Kept
            key={request.id}
            request={request}
            onSend={() => setSending(request)}
            onCorrect={() => setCorrecting(request)}
          />
        ))}
      </div>
      {sending && (
        <Dialog
          title="Send again"
          confirm="Send again"
          onClose={() => setSending(undefined)}
          onConfirm={async () => {
            const answer = await client.call("sendRejectedRequestAgain", {
              path: { rejectedRequestId: sending.id },
            });
            done(answer.body);
          }}
          sigil={["rejected", "send-again", "--id", sending.id]}
        >
          <p>
            The request is taken as a PUT of yours, under your own authorization, and removed from
            those that are kept. It keeps its own name: sent again twice, it is one operation.
            Refused again, it stays here. It was rejected with <code>{sending.rejectionCode}</code>:{" "}
            {sending.rejectionReason}
          </p>
        </Dialog>
      )}
      {correcting && (
        <CorrectDialog
          request={correcting}
          onClose={() => setCorrecting(undefined)}
          onDone={done}
        />
      )}
    </>
  );
}

/** What is wrong with it, field by field, and what to do. */
function Kept({
  request,
  onSend,
  onCorrect,
}: {
  readonly request: Rejected;
  readonly onSend: () => void;
  readonly onCorrect: () => void;
}) {
  const { id, enqueuedTime, errors, original, size } = request;
  const name =
    request.request === undefined
      ? `Message ${id}`
      : `${request.request.source} ${request.request.id}`;
  return (
    <section class="card" aria-label={name}>
      <Say
        tile="failed"
        title={name}
        aside={
          <>
            {bodyOf(request) && (
              <button type="button" class="primary" onClick={onCorrect}>
                Correct and send
              </button>
            )}
            <button type="button" onClick={onSend}>
              Send again
            </button>
          </>
        }
      >
        <p title={request.rejectionCode}>
          {request.rejectionReason} Rejected <Time value={enqueuedTime} lower />, {size} bytes.
        </p>
      </Say>
      {errors.length > 0 && (
        <div class="pad">
          <Findings findings={errors} label="Errors" />
        </div>
      )}
      {original === undefined ? (
        <p class="pad muted small">The original is not kept whole, or is no text.</p>
      ) : (
        <details class="fold">
          <summary>Show</summary>
          <div class="pad">
            <pre tabIndex={0}>{formatted(original)}</pre>
          </div>
        </details>
      )}
    </section>
  );
}

/** JSON with its lines and indents; anything else as it is. */
function formatted(text: string): string {
  const parsed = parseJson(text);
  return "value" in parsed ? JSON.stringify(parsed.value, null, 2) : text;
}

function CorrectDialog({
  request,
  onClose,
  onDone,
}: {
  readonly request: Rejected;
  readonly onClose: () => void;
  readonly onDone: (operation: Operation) => void;
}) {
  const client = useClient();
  const original = bodyOf(request);
  const [text, setText] = useState(JSON.stringify(original?.body ?? {}, null, 2));
  const corrected = parseJson(text);
  const mistake = "mistake" in corrected ? corrected.mistake : undefined;
  const [id, setId] = useState(original?.resourceId ?? "");
  return (
    <Dialog
      title="Correct and send"
      wide
      confirm="Plan and send"
      disabled={mistake !== undefined}
      onClose={onClose}
      onConfirm={async () => {
        if ("mistake" in corrected) return;
        const answer = await client.call("sendRejectedRequestAgain", {
          path: { rejectedRequestId: request.id },
          body: {
            resourceId: id.trim(),
            body: corrected.value as Record<string, unknown>,
          },
        });
        onDone(answer.body);
      }}
      sigil={[
        ...["rejected", "send-again", "--id", request.id],
        ...["--file", "version.json", "--resource-id", id.trim()],
      ]}
    >
      <p>
        The corrected request is taken as a PUT of yours, under your own authorization, and the
        original is removed from those that are kept. It is planned first: with an error nothing is
        stored, the errors are shown here, and the original stays.
      </p>
      <label for="correct-id">Image version</label>
      <input
        id="correct-id"
        value={id}
        spellcheck={false}
        onInput={(event) => setId(event.currentTarget.value)}
      />
      <Findings findings={request.errors} />
      <label for="correct-body">Body</label>
      <textarea
        id="correct-body"
        rows={16}
        spellcheck={false}
        value={text}
        aria-invalid={mistake !== undefined}
        aria-describedby="correct-body-error"
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <p id="correct-body-error" class="error-text" role="alert">
        {mistake}
      </p>
    </Dialog>
  );
}

/** The image version and the body of a PUT that a CloudEvent names; undefined where the original is no JSON object. */
function bodyOf({
  original = "",
}: Rejected): { readonly resourceId: string; readonly body: unknown } | undefined {
  try {
    const message: unknown = JSON.parse(original);
    if (typeof message !== "object" || message === null) return undefined;
    if (!("specversion" in message)) return { resourceId: "", body: message };
    const { subject, data } = message as Record<string, unknown>;
    return {
      resourceId: typeof subject === "string" ? subject : "",
      body: data ?? {},
    };
  } catch {
    return undefined;
  }
}

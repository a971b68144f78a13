import { useState } from "preact/hooks";
import type { Schemas } from "@sigil/client";
import { Dialog } from "../components/dialog.js";
import { useTitle } from "../components/image-heading.js";
import { LiveBar } from "../components/live-bar.js";
import { Table } from "../components/table.js";
import { Time } from "../components/time.js";
import { useClient, useMay } from "../context.js";
import { parseJson } from "../create/model/json.js";
import { useLive } from "../live.js";
import { IDLE_MS } from "../retry.js";
import { Link, navigate } from "../navigation.js";
import type { Operation } from "../operations.js";
import { parseResourceId } from "../routes.js";

type Rejected = Schemas["RejectedRequest"];

interface Page {
  readonly requests: readonly Rejected[];
  readonly more: boolean;
}

/** Requests by Service Bus that were rejected, and are kept for a time. */
export function RejectedView() {
  useTitle("Rejected requests");
  return (
    <>
      <h1>Rejected requests</h1>
      {useMay("Admin") ? (
        <List />
      ) : (
        <p>
          Rejected requests are shown to who has the role{" "}
          <code>ImageVersions.Admin</code>.
        </p>
      )}
    </>
  );
}

function List() {
  const client = useClient();
  const [sending, setSending] = useState<Rejected>();
  const [correcting, setCorrecting] = useState<Rejected>();
  const [accepted, setAccepted] = useState<Operation>();
  const live = useLive<Page>(
    "rejected",
    async (_, signal) => {
      const { body } = await client.call("listRejectedRequests", {
        query: { top: 100 },
        signal,
      });
      return {
        requests: body.value,
        more: body.continuationToken !== undefined,
      };
    },
    () => IDLE_MS,
  );
  const done = (operation: Operation | undefined): void => {
    setSending(undefined);
    setCorrecting(undefined);
    setAccepted(operation);
    live.refresh();
  };
  return (
    <>
      <LiveBar live={live} />
      <div role="status">
        {accepted && (
          <p>
            Accepted:{" "}
            <Link to={{ view: "operation", operationId: accepted.id }}>
              the operation
            </Link>
          </p>
        )}
        {live.value?.requests.length === 0 && <p>There are none.</p>}
        {live.value?.more === true && <p>The oldest hundred are shown.</p>}
      </div>
      {live.value && live.value.requests.length > 0 && (
        <Table
          caption="Rejected requests, oldest first"
          columns={["Rejected", "Why", "Request", "Original", "Send"]}
        >
          {live.value.requests.map((request) => (
            <tr key={request.id}>
              <td>
                <Time value={request.enqueuedTime} />
              </td>
              <th scope="row" class="wrap">
                <code>{request.rejectionCode}</code>
                <div>{request.rejectionReason}</div>
              </th>
              <td class="wrap">
                {request.request === undefined
                  ? "no CloudEvent"
                  : `${request.request.source} ${request.request.id}`}
                <div class="sub">{request.size} bytes</div>
              </td>
              <td>
                {request.original === undefined ? (
                  <span class="muted">not kept whole, or no text</span>
                ) : (
                  <details>
                    <summary>Show</summary>
                    <pre class="original">{request.original}</pre>
                  </details>
                )}
              </td>
              <td>
                <div class="actions">
                  <button type="button" onClick={() => setSending(request)}>
                    Send again
                  </button>
                  {bodyOf(request) && (
                    <button
                      type="button"
                      onClick={() => setCorrecting(request)}
                    >
                      Correct and send
                    </button>
                  )}
                </div>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {sending && (
        <Dialog
          title="Send again"
          confirm="Send again"
          onClose={() => setSending(undefined)}
          onConfirm={async () => {
            const answer = await client.call("sendRejectedRequestAgain", {
              path: { rejectedRequestId: sending.id },
            });
            done(answer.status === 202 ? answer.body : undefined);
          }}
        >
          <p>
            The request is taken as a PUT of yours, under your own
            authorization, and removed from those that are kept. It keeps its
            own name: sent again twice, it is one operation. Refused again, it
            stays here. It was rejected with{" "}
            <code>{sending.rejectionCode}</code>: {sending.rejectionReason}
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

function CorrectDialog({
  request,
  onClose,
  onDone,
}: {
  readonly request: Rejected;
  readonly onClose: () => void;
  readonly onDone: (operation: Operation | undefined) => void;
}) {
  const client = useClient();
  const original = bodyOf(request);
  const [text, setText] = useState(
    JSON.stringify(original?.body ?? {}, null, 2),
  );
  const corrected = parseJson(text);
  const mistake = "mistake" in corrected ? corrected.mistake : undefined;
  const [id, setId] = useState(original?.resourceId ?? "");
  return (
    <Dialog
      title="Correct and send"
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
        onDone(answer.status === 202 ? answer.body : undefined);
        const place = parseResourceId(id);
        if (answer.status === 200 && place?.version !== undefined)
          navigate({
            view: "version",
            image: place.image,
            version: place.version,
          });
      }}
    >
      <p>
        The corrected request is taken as a PUT of yours, under your own
        authorization, and the original is removed from those that are kept. It
        is planned first: with an error nothing is stored, the errors are shown
        here, and the original stays.
      </p>
      <label for="correct-id">Image version</label>
      <input
        id="correct-id"
        value={id}
        spellcheck={false}
        onInput={(event) => setId(event.currentTarget.value)}
      />
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
}: Rejected):
  { readonly resourceId: string; readonly body: unknown } | undefined {
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

import { useClient } from "../context.js";
import { useLive } from "../live.js";
import { Link } from "../navigation.js";
import {
  isRunning,
  statusText,
  titleOf,
  type Operation,
} from "../operations.js";
import { BUSY_MS, ENDED_MS } from "../retry.js";

/** What a request has led to. */
export function Accepted({
  operation,
}: {
  readonly operation: Operation | undefined;
}) {
  return (
    <div role="status">
      {operation && <Followed key={operation.id} asked={operation} />}
    </div>
  );
}

/** From its acceptance to its end. */
function Followed({ asked }: { readonly asked: Operation }) {
  const client = useClient();
  const { value: operation = asked } = useLive<Operation>(
    `accepted ${asked.id}`,
    async (_, signal) => {
      const { body } = await client.call("getOperation", {
        path: { operationId: asked.id },
        signal,
      });
      return body;
    },
    (read) => (isRunning(read) ? BUSY_MS : ENDED_MS),
  );
  const { error } = operation;
  return (
    <p class={error ? "banner error" : "banner quiet"}>
      <span>
        <Link to={{ view: "operation", operationId: asked.id }}>
          {titleOf(operation)}
        </Link>
        {": "}
        {isRunning(operation) ? "accepted, under way" : statusText(operation)}
        {error && `. ${error.message}`}
      </span>
    </p>
  );
}

import { useClient } from "../context.js";
import { useLive } from "../live.js";
import { Link } from "../navigation.js";
import {
  isRunning,
  readOperation,
  statusText,
  titleOf,
  type Operation,
  type ReadOperation,
} from "../operations.js";

/** The operation that a request started. */
export function Accepted({ operation }: { readonly operation: Operation | undefined }) {
  return <div role="status">{operation && <Followed key={operation.id} asked={operation} />}</div>;
}

/** From its acceptance to its end. */
function Followed({ asked }: { readonly asked: Operation }) {
  const client = useClient();
  const { value } = useLive<ReadOperation>(
    `accepted ${asked.id}`,
    (_, signal) => readOperation(client, asked.id, signal),
    ({ nextMs }) => nextMs,
  );
  const operation = value?.operation ?? asked;
  const { error } = operation;
  return (
    <p class={error ? "banner error" : "banner quiet"}>
      <span>
        <Link to={{ view: "operation", operationId: asked.id }}>{titleOf(operation)}</Link>
        {": "}
        {isRunning(operation) ? "accepted, under way" : statusText(operation)}
        {error && `. ${error.message}`}
      </span>
    </p>
  );
}

import { Link } from "../navigation.js";
import { kindName, type Operation } from "../operations.js";

/** What a request has led to. */
export function Accepted({
  operation,
}: {
  readonly operation: Operation | undefined;
}) {
  return (
    <div role="status">
      {operation && (
        <p class="banner">
          <span>
            Accepted:{" "}
            <Link to={{ view: "operation", operationId: operation.id }}>
              {kindName(operation.kind)}
            </Link>
          </span>
        </p>
      )}
    </div>
  );
}

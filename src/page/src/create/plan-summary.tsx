import { FindingText, focusField, headingId } from "./fields.js";
import { fieldName, isError, SECTIONS, type Placed } from "./model/fields.js";
import type { Form } from "./model/form.js";
import type { PlanState } from "./use-plan.js";

/** Everything that was found, each with a way to its field; what has no field stands first. */
export function PlanSummary({
  form,
  findings,
  state,
  begun,
  again,
}: {
  readonly form: Form;
  readonly findings: readonly Placed[];
  readonly state: PlanState;
  readonly begun: boolean;
  readonly again: () => void;
}) {
  const errors = findings.filter(isError).length;
  const others = findings.length - errors;
  const sorted = [
    ...findings.filter(({ field }) => field === undefined),
    ...findings.filter((found) => found.field !== undefined && isError(found)),
    ...findings.filter((found) => found.field !== undefined && !isError(found)),
  ];
  return (
    <aside class="card summary" aria-labelledby="summary-heading">
      <h2 id="summary-heading" tabIndex={-1}>
        Plan
      </h2>
      <nav aria-label="Sections">
        <ol class="sections">
          {SECTIONS.map(({ id, name, fields }) => {
            const count = findings.filter(
              (found) =>
                found.field !== undefined &&
                fields.test(found.field) &&
                isError(found),
            ).length;
            return (
              <li key={id}>
                <FieldLink field={headingId(id)}>{name}</FieldLink>{" "}
                {count > 0 && (
                  <span class="badge bad">
                    {count} {count === 1 ? "error" : "errors"}
                  </span>
                )}
              </li>
            );
          })}
        </ol>
      </nav>
      <p role="status" class="plan-status">
        {!begun
          ? "Each change is checked."
          : state.checking
            ? "Checking…"
            : state.error !== undefined
              ? "Not checked."
              : `Checked: ${errors === 0 ? "no error" : errors === 1 ? "1 error" : `${errors} errors`}${others > 0 ? `, ${others} to know` : ""}.`}
      </p>
      {state.error !== undefined && !state.checking && (
        <div role="alert">
          <p class="error-text">
            The plan could not be made. {state.error.message}
          </p>
          <button type="button" onClick={again}>
            Check again
          </button>
        </div>
      )}
      {begun && (
        <ul class="findings">
          {sorted.map((found, index) => (
            <li key={index}>
              {found.field !== undefined && (
                <FieldLink field={found.field}>
                  {fieldName(form, found.field)}
                </FieldLink>
              )}
              <FindingText found={found} />
            </li>
          ))}
        </ul>
      )}
    </aside>
  );
}

function FieldLink({
  field,
  children,
}: {
  readonly field: string;
  readonly children: string;
}) {
  return (
    <a
      href={`#${field}`}
      onClick={(event) => {
        event.preventDefault();
        focusField(field);
      }}
    >
      {children}
    </a>
  );
}

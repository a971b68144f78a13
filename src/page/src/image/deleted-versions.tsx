import { Card } from "../components/card.js";
import { SameWithSigil } from "../components/command.js";
import { Loading, useRead } from "../components/loaded.js";
import { Table } from "../components/table.js";
import { Time } from "../components/time.js";
import { imageWords } from "../command-line.js";
import type { ActionProps } from "../dialogs/action.js";
import type { ImageName } from "../routes.js";
import { DeletedActions } from "../version/deleted-actions.js";

/** What was deleted, and can be restored. */
export function DeletedVersions({
  image,
  onClose,
  onAccepted,
}: ActionProps & { readonly image: ImageName }) {
  const deleted = useRead("listDeletedImageVersions", { path: { ...image } });
  return (
    <Card
      id="deleted"
      title="Deleted versions"
      aside={
        <button type="button" class="small" onClick={onClose}>
          Close
        </button>
      }
    >
      <Loading of={deleted} text="Asking Azure…">
        {({ value }) =>
          value.length === 0 ? (
            <p class="pad muted">
              Azure keeps no deleted version of it. What is deleted in a gallery without soft delete
              cannot be restored.
            </p>
          ) : (
            <Table
              caption="Deleted versions"
              columns={["Version", "Deleted", "Can be restored until", "Actions"]}
            >
              {value.map(({ name, softDeletedTime, hardDeletionTargetTime }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td data-label="Deleted">
                    <Time value={softDeletedTime} />
                  </td>
                  <td data-label="Until">
                    <Time value={hardDeletionTargetTime} />
                  </td>
                  <td>
                    <DeletedActions image={image} version={name} onAccepted={onAccepted} />
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Loading>
      <SameWithSigil words={["image-version", "list-soft-deleted", ...imageWords(image)]} />
    </Card>
  );
}

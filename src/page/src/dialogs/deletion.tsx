import { useState } from "preact/hooks";
import { Tile } from "../components/tile.js";
import { UseDetails } from "../components/use-details.js";
import { regionCount } from "../geography.js";
import { allowNoLatest, type VersionActionProps } from "./action.js";
import { ForecastDetails, useForecast, type Forecast } from "./forecast.js";
import { useVersionCall, VersionDialog } from "./version-dialog.js";

/** Shows whether the deletion is final, and who uses the version, before the button. */
export function DeleteDialog(props: VersionActionProps) {
  const { image, version } = props;
  const { client, path, seen } = useVersionCall(props);
  const [typed, setTyped] = useState("");
  const foretold = useForecast(image, version.name, "delete");
  const { noLatest, ignoreUse, isAllowed } = foretold;
  const { name } = version;
  return (
    <VersionDialog
      of={props}
      title={`Delete ${image.imageName} ${name}?`}
      lead={`Sigil deletes it in ${regionCount(version.sigil.regions.length)}. Machines created from it keep running.${version.sigil.managedBy === "Others" ? " Sigil did not create this version." : ""}`}
      confirm={`Delete ${name}`}
      danger
      disabled={typed !== name || !isAllowed}
      send={() =>
        client.call("deleteImageVersion", {
          path,
          query: {
            ...allowNoLatest(noLatest),
            ...(ignoreUse && { ignoreUse: true }),
          },
          header: { "If-Match": seen },
        })
      }
      sigil={[
        "delete",
        ...(noLatest ? ["--allow-no-latest"] : []),
        ...(ignoreUse ? ["--ignore-use"] : []),
      ]}
    >
      <Finality
        gallery={image.galleryName}
        softDelete={foretold.live.value?.softDelete}
      />
      <section>
        <UseDetails image={image} version={name} />
      </section>
      <ForecastDetails foretold={foretold} />
      <label>
        Type {name} to confirm
        <input
          value={typed}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
    </VersionDialog>
  );
}

function Finality({
  gallery,
  softDelete,
}: {
  readonly gallery: string;
  readonly softDelete: Forecast["softDelete"];
}) {
  if (softDelete === undefined) return null;
  return softDelete.isSoftDeleteEnabled === true ? (
    <div class="note">
      <Tile state="held" />
      <p>
        {gallery} has soft delete. You can restore the version for a while;
        until that ends, its number cannot be used again.
      </p>
    </div>
  ) : (
    <div class="note error">
      <Tile state="note-mark" />
      <div>
        <b>This cannot be undone</b>
        <p>
          {softDelete.isSoftDeleteEnabled === false
            ? `${gallery} has no soft delete.`
            : `Sigil could not read ${gallery}. The version can only be restored if the gallery has soft delete.`}
        </p>
      </div>
    </div>
  );
}

import { useState } from "preact/hooks";
import { Tile } from "../components/tile.js";
import { UseDetails } from "../components/use-details.js";
import { regionCount } from "../geography.js";
import { allowNoLatest, type VersionActionProps } from "./action.js";
import { ForecastDetails, useForecast, type Forecast } from "./forecast.js";
import { useVersionCall, VersionDialog } from "./version-dialog.js";

/** That it is final, and who uses the version, stand before the button. */
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
      lead={`It is deleted in ${regionCount(version.sigil.regions.length)}. Machines made from it keep running.${version.sigil.managedBy === "Others" ? " Sigil has not created this version." : ""}`}
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
        {gallery} has soft delete: the version can be restored for a while, and
        its number is not free until then.
      </p>
    </div>
  ) : (
    <div class="note error">
      <Tile state="note-mark" />
      <div>
        <b>This is final</b>
        <p>
          {softDelete.isSoftDeleteEnabled === false
            ? `${gallery} has no soft delete. The version cannot be restored.`
            : `${gallery} could not be read: unless it has soft delete, the version cannot be restored.`}
        </p>
      </div>
    </div>
  );
}

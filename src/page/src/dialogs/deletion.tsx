import { useState } from "preact/hooks";
import { Finality, Note } from "../components/box.js";
import { UseDetails } from "../components/use-details.js";
import { regionCount } from "../geography.js";
import { allowNoLatest, type VersionActionProps } from "./action.js";
import { errorsIn, ForecastDetails, NOT_SOFT_DELETABLE, useForecast } from "./forecast.js";
import { useVersionCall, VersionDialog } from "./version-dialog.js";

/** Shows whether the deletion is final, and who uses the version, before the button. */
export function DeleteDialog(props: VersionActionProps) {
  const { image, version } = props;
  const { client, path, seen } = useVersionCall(props);
  const [typed, setTyped] = useState("");
  const foretold = useForecast(image, version.name, "delete");
  const { noLatest, ignoreUse, forGood, isAllowed } = foretold;
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
            ...(forGood && { bypassSoftDelete: true }),
          },
          header: { "If-Match": seen },
        })
      }
      sigil={[
        "delete",
        ...(noLatest ? ["--allow-no-latest"] : []),
        ...(ignoreUse ? ["--ignore-use"] : []),
        ...(forGood ? ["--bypass-soft-delete"] : []),
      ]}
    >
      <Undoing gallery={image.galleryName} foretold={foretold} />
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

/** Whether the version can be restored afterwards. The findings say why Azure deletes none softly. */
function Undoing({
  gallery,
  foretold: { live, forGood },
}: {
  readonly gallery: string;
  readonly foretold: ReturnType<typeof useForecast>;
}) {
  if (live.value === undefined) return null;
  const isSoft = live.value.softDelete?.isSoftDeleteEnabled;
  if (errorsIn(live.value).some(({ code }) => code === NOT_SOFT_DELETABLE))
    return forGood ? (
      <Finality>
        Soft delete is bypassed. Microsoft does not say whether Azure accepts that for a Failed
        version.
      </Finality>
    ) : null;
  if (live.value.softDelete === undefined) return null;
  if (isSoft === true)
    return (
      <Note tile="held">
        {gallery} has soft delete. You can restore the version for a while. Until that ends, its
        number cannot be used again, and Azure keeps and bills one replica in each region.
      </Note>
    );
  return (
    <Finality>
      {isSoft === false
        ? `${gallery} has no soft delete. The version cannot be restored.`
        : `Sigil could not read ${gallery}. The version can only be restored if the gallery has soft delete.`}
    </Finality>
  );
}

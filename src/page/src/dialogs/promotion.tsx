import { SameWithSigil } from "../components/command.js";
import { Dialog } from "../components/dialog.js";
import { Tile } from "../components/tile.js";
import { versionWords } from "../command-line.js";
import { namesText, regionCount } from "../geography.js";
import {
  allowNoLatest,
  type Version,
  type VersionActionProps,
} from "./action.js";
import { useGuarded } from "./guarded.js";
import { ForecastDetails, useForecast, type Forecast } from "./forecast.js";

/** Includes a version in latest; under waves, in the regions of the next one. */
export function PromoteDialog(props: VersionActionProps) {
  const { image, version, onAccepted, onClose } = props;
  const { client, path, header } = useGuarded(props);
  const foretold = useForecast(image, version.name, "promote");
  const forecast = foretold.live.value;
  const wave = forecast?.wave;
  const title = `${image.imageName} ${version.name}`;
  return (
    <Dialog
      title={
        wave === undefined
          ? `Promote ${title}?`
          : `Promote wave ${wave} of ${title}?`
      }
      lead={forecast && promoted(version, forecast)}
      confirm={wave === undefined ? "Promote" : `Promote wave ${wave}`}
      disabled={!foretold.isAllowed}
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await client.call("promoteImageVersion", {
          path,
          header: header(wave ?? 0),
        });
        onAccepted(body);
      }}
    >
      <ForecastDetails foretold={foretold} />
      {forecast && <Unready version={version} forecast={forecast} />}
      <SameWithSigil
        words={[
          "image-version",
          "promote",
          ...versionWords(image, version.name),
        ]}
      />
    </Dialog>
  );
}

function promoted({ name }: Version, { regions }: Forecast): string {
  const then = regions.filter(({ to }) => to === name).length;
  const more = regions.filter(
    ({ from, to }) => to === name && from !== name,
  ).length;
  return more === 0
    ? `${name} becomes the latest in no region now.`
    : `${name} becomes the latest in ${regionCount(more)}. Then it is the latest in ${then} of ${regions.length}.`;
}

/** Regions of the version that get it later. */
function Unready({
  version,
  forecast,
}: {
  readonly version: Version;
  readonly forecast: Forecast;
}) {
  const unready = version.sigil.regions
    .filter(
      ({ name, state }) =>
        state !== "Completed" && forecast.inLatest.includes(name),
    )
    .map(({ name }) => name);
  if (unready.length === 0) return null;
  return (
    <div class="note">
      <Tile state="held" />
      <p>
        {namesText(unready)} {unready.length === 1 ? "is" : "are"} not ready:{" "}
        {unready.length === 1
          ? "it joins when it is"
          : "they join when they are"}
        .
      </p>
    </div>
  );
}

/** Excludes a version from latest: its rule ends. */
export function DemoteDialog(props: VersionActionProps) {
  const { image, version, onAccepted, onClose } = props;
  const { client, path, header } = useGuarded(props);
  const foretold = useForecast(image, version.name, "demote");
  const { noLatest } = foretold;
  return (
    <Dialog
      title={`Exclude ${image.imageName} ${version.name} from latest?`}
      lead="Machines made without a version number do not get it any more. Machines made from it stay as they are. Its promotion rule ends."
      confirm="Exclude from latest"
      disabled={!foretold.isAllowed}
      onClose={onClose}
      onConfirm={async () => {
        const { body } = await client.call("demoteImageVersion", {
          path,
          query: allowNoLatest(noLatest),
          header: header(noLatest),
        });
        onAccepted(body);
      }}
    >
      <ForecastDetails foretold={foretold} />
      <SameWithSigil
        words={[
          "image-version",
          "demote",
          ...versionWords(image, version.name),
          ...(noLatest ? ["--allow-no-latest"] : []),
        ]}
      />
    </Dialog>
  );
}

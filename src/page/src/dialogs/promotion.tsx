import { Note } from "../components/box.js";
import { namesText, regionCount } from "../geography.js";
import { allowNoLatest, type Version, type VersionActionProps } from "./action.js";
import { ForecastDetails, useForecast, type Forecast } from "./forecast.js";
import { useVersionCall, VersionDialog } from "./version-dialog.js";

/** Includes a version in latest. With waves, only in the regions of the next wave. */
export function PromoteDialog(props: VersionActionProps) {
  const { image, version } = props;
  const { client, path, guarded } = useVersionCall(props);
  const foretold = useForecast(image, version.name, "promote");
  const forecast = foretold.live.value;
  const wave = forecast?.wave;
  const title = `${image.imageName} ${version.name}`;
  return (
    <VersionDialog
      of={props}
      title={wave === undefined ? `Promote ${title}?` : `Promote wave ${wave} of ${title}?`}
      lead={forecast && promoted(version, forecast)}
      confirm={wave === undefined ? "Promote" : `Promote wave ${wave}`}
      disabled={!foretold.isAllowed}
      send={() => client.call("promoteImageVersion", { path, header: guarded(wave ?? 0) })}
      sigil={["promote"]}
    >
      <ForecastDetails foretold={foretold} />
      {forecast && <Unready version={version} forecast={forecast} />}
    </VersionDialog>
  );
}

function promoted({ name, sigil }: Version, { regions }: Forecast): string {
  const then = regions.filter(({ to }) => to === name).length;
  const more = regions.filter(({ from, to }) => to === name && from !== name).length;
  return more === 0
    ? `No region gets a new latest version now.`
    : `${name} becomes the latest in ${regionCount(more)}, and is then the latest in ${then} of ${sigil.regions.length}.`;
}

/** Regions that are not ready and get the version later. */
function Unready({
  version,
  forecast,
}: {
  readonly version: Version;
  readonly forecast: Forecast;
}) {
  const unready = version.sigil.regions
    .filter(({ name, state }) => state !== "Completed" && forecast.inLatest.includes(name))
    .map(({ name }) => name);
  if (unready.length === 0) return null;
  return (
    <Note tile="held">
      {namesText(unready)} {unready.length === 1 ? "is" : "are"} not ready.{" "}
      {unready.length === 1 ? "It follows once it is ready" : "They follow once they are ready"}.
    </Note>
  );
}

/** Excludes a version from latest, which ends its promotion rule. */
export function DemoteDialog(props: VersionActionProps) {
  const { image, version } = props;
  const { client, path, guarded } = useVersionCall(props);
  const foretold = useForecast(image, version.name, "demote");
  const { noLatest } = foretold;
  return (
    <VersionDialog
      of={props}
      title={`Exclude ${image.imageName} ${version.name} from latest?`}
      lead={`New machines created without a version number no longer get it. Existing machines do not change.${version.sigil.promotion === undefined ? "" : " Its promotion rule ends."}`}
      confirm="Exclude from latest"
      disabled={!foretold.isAllowed}
      send={() =>
        client.call("demoteImageVersion", {
          path,
          query: allowNoLatest(noLatest),
          header: guarded(noLatest),
        })
      }
      sigil={["demote", ...(noLatest ? ["--allow-no-latest"] : [])]}
    >
      <ForecastDetails foretold={foretold} />
    </VersionDialog>
  );
}

import type { ComponentChildren } from "preact";
import { Ago, EndOfLife } from "../components/time.js";
import { Tile } from "../components/tile.js";
import { useImageUse, usedText } from "../components/use-details.js";
import type { Version } from "../dialogs/action.js";
import { regionCount } from "../geography.js";
import { readyIn, regionStates } from "../region-state.js";
import { KEY_WORDS, keyTile } from "../key-text.js";
import { capital } from "../operations.js";
import type { ImageName } from "../routes.js";
import { setCount } from "./keys.js";
import { sourcesOf } from "./sources.js";

/** The few figures of a version. */
export function Facts({
  image,
  version,
}: {
  readonly image: ImageName;
  readonly version: Version;
}) {
  const { sigil, properties, tags = {} } = version;
  const all = sigil.regions.length;
  const unseen = regionStates(version).filter(({ state }) => state === "unseen").length;
  const { endOfLifeDate } = properties.publishingProfile;
  const secrets = properties.securityProfile?.secretsProvisioningSettings;
  const sources = sourcesOf(version);
  return (
    <dl class="facts">
      <Fact name="Ready">
        <b>
          {readyIn(sigil.regions).length} of {regionCount(all)}
        </b>
        {unseen > 0 && `, ${unseen} not seen yet`}
      </Fact>
      <Fact name="Latest">
        <b>
          in {sigil.latestIn.length} of {regionCount(all)}
        </b>
      </Fact>
      {sigil.keys && (
        <Fact name="Keys">
          <KeyState version={version} />
        </Fact>
      )}
      <UseFact image={image} version={version.name} />
      <Fact name="Source">
        {sources.map((id) => (
          <div key={id} title={id}>
            {id.split("/").slice(-2).join("/")}
          </div>
        ))}
      </Fact>
      {endOfLifeDate !== undefined && (
        <Fact name="End of life">
          <EndOfLife date={endOfLifeDate} />
        </Fact>
      )}
      {secrets && <Fact name="Secrets provisioning">{secretsText(secrets)}</Fact>}
      {sigil.protected === true && (
        <Fact name="Protected">Not deleted until an Admin removes the protection</Fact>
      )}
      {sigil.managedBy === "Others" && <Fact name="Made by">Others, outside Sigil</Fact>}
      {Object.entries(tags).map(([name, value]) => (
        <Fact key={name} name={`Tag ${name}`}>
          {value}
        </Fact>
      ))}
    </dl>
  );
}

/** `supported: mariner, AzureGuestAgent 2.7.0`. */
function secretsText({
  isSupported,
  osName,
  components = [],
}: NonNullable<
  NonNullable<Version["properties"]["securityProfile"]>["secretsProvisioningSettings"]
>): string {
  const parts = [
    osName,
    ...components.map(({ name, version }) =>
      [name, version].filter((part) => part !== undefined).join(" "),
    ),
  ].filter((part) => part !== undefined);
  return [
    isSupported === undefined ? "not said" : isSupported ? "supported" : "not supported",
    ...(parts.length === 0 ? [] : [parts.join(", ")]),
  ].join(": ");
}

function KeyState({ version }: { readonly version: Version }) {
  const { problems = [], notSeen = [], seenTime } = version.sigil.keys ?? {};
  const tile = keyTile(problems, notSeen, seenTime);
  const those =
    tile === "unseen"
      ? notSeen
      : problems.filter(({ severity }) => tile !== "risk" || severity === "error");
  const count = new Set(those.map((one) => one.diskEncryptionSetId)).size;
  return (
    <span class="state">
      <Tile state={tile} />
      <span>
        {count === 0
          ? capital(KEY_WORDS[tile])
          : `${count} of ${setCount(version)} ${KEY_WORDS[tile]}`}
        {seenTime !== undefined && (
          <span class="muted">
            , seen <Ago value={seenTime} />
          </span>
        )}
      </span>
    </span>
  );
}

function UseFact({ image, version }: { readonly image: ImageName; readonly version: string }) {
  const use = useImageUse(image, version);
  return (
    <Fact name="Used by">
      {use.value ? (
        usedText(use.value)
      ) : (
        <span class="muted" title={use.error?.message}>
          {use.error ? "not known" : "…"}
        </span>
      )}
    </Fact>
  );
}

export function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

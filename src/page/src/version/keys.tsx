import type { Schemas } from "@sigil/client";
import { Card } from "../components/card.js";
import { Fix } from "../components/command.js";
import { Strip, Tile } from "../components/tile.js";
import { Table } from "../components/table.js";
import { Expires, Time } from "../components/time.js";
import type { Version } from "../dialogs/action.js";
import { namesText } from "../geography.js";
import { byRisk, KEY_TILES, KEY_WORDS, keyTile, type KeyTile } from "../key-text.js";
import { ENCRYPTION_NAMES, nameIn } from "../summaries.js";

type Keys = NonNullable<Version["sigil"]["keys"]>;
type Disk = Schemas["RegionEncryption"]["osDiskImage"];

interface DiskRow {
  readonly name: string;
  readonly regions: readonly { readonly region: string; readonly disk: Disk }[];
}

/** The keys of each disk: at risk first, then what nobody has seen, folded, then each set. */
export function KeysCard({ version }: { readonly version: Version }) {
  const { keys, regions } = version.sigil;
  const disks = disksOf(version);
  return (
    <Card id="keys" title="Keys" aside={<span class="muted small">{typesText(disks)}</span>}>
      <Table
        caption="Keys of each disk"
        columns={["Disk", "Disk encryption set", "By region", "Keys"]}
      >
        {disks.map((disk) => (
          <DiskLine key={disk.name} disk={disk} keys={keys} />
        ))}
      </Table>
      {keys && keys.problems.length > 0 && (
        <div class="pad">
          {byRisk(keys.problems).map((problem) => (
            <div
              key={`${problem.diskEncryptionSetId} ${problem.code}`}
              class={`note ${problem.severity}`}
            >
              <Tile state={problem.severity === "error" ? "risk" : "note-mark"} />
              <div>
                <b>{problem.message}</b>
                <p>
                  It encrypts the version in {namesText(problem.regions)}.
                  <Time before=" Since " value={problem.since} lower after="." />
                </p>
                <Fix text={problem.remediation} label={problem.message} />
              </div>
            </div>
          ))}
        </div>
      )}
      {keys && <NotSeen keys={keys} />}
      {regions.length > 0 && <AllSets disks={disks} keys={keys} />}
    </Card>
  );
}

/** Grouped by why, and folded: what nobody has seen is no fault. */
function NotSeen({ keys: { notSeen } }: { readonly keys: Keys }) {
  const reasons = new Map<string, Keys["notSeen"]>();
  for (const one of notSeen) reasons.set(one.code, [...(reasons.get(one.code) ?? []), one]);
  return (
    <>
      {[...reasons].map(([code, those]) => {
        const sets = new Set(those.map(({ diskEncryptionSetId }) => diskEncryptionSetId));
        return (
          <details key={code} class="fold">
            <summary>
              {sets.size} {sets.size === 1 ? "set" : "sets"} not seen
              {code === "NotLookedAtYet" ? " yet" : `: ${those[0]?.message ?? ""}`}
              <span class="muted small">{code}</span>
            </summary>
            <div class="pad">
              <p class="muted">{those[0]?.message}</p>
              <p class="small">{[...sets].map((id) => nameIn(id)).join(", ")}</p>
            </div>
          </details>
        );
      })}
    </>
  );
}

function DiskLine({
  disk: { name, regions },
  keys,
}: {
  readonly disk: DiskRow;
  readonly keys: Keys | undefined;
}) {
  const stateOf = (disk: Disk): KeyTile => {
    const sets = setsOf(disk);
    const isOf = (one: { readonly diskEncryptionSetId: string }): boolean =>
      sets.some((set) => isSame(set, one.diskEncryptionSetId));
    const { problems = [], notSeen = [], seenTime } = keys ?? {};
    return sets.length === 0
      ? "absent"
      : keyTile(problems.filter(isOf), notSeen.filter(isOf), seenTime);
  };
  const states = regions.map(({ disk }) => stateOf(disk));
  const count = (state: (typeof states)[number]): number =>
    states.filter((each) => each === state).length;
  const own = regions.length - count("absent");
  const text =
    own === 0
      ? "Azure's own keys"
      : KEY_TILES.filter((state) => state !== "absent" && count(state) > 0)
          .map((state) => `${count(state)} of ${own} ${KEY_WORDS[state]}`)
          .join("; ");
  const ends = regions.flatMap(({ disk }) => setsOf(disk)).map((id) => expiryOf(keys, id));
  const [first] = ends.flatMap((end) => end ?? []).sort((a, b) => Date.parse(a) - Date.parse(b));
  const hasNoEnd = ends.length > 0 && ends.every((end) => end === null);
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <code>{patternOf(regions)}</code>
      </td>
      <td>
        {own > 0 && <Strip label={`${name}: ${text}`} tiles={states.map((state) => ({ state }))} />}
      </td>
      <td data-label="Keys" class={count("risk") > 0 ? "error-text" : ""}>
        <span>
          {text}
          {(first !== undefined || hasNoEnd) && (
            <div class="sub">
              <Expires value={first ?? null} subject={own > 1 ? "The first" : undefined} />
            </div>
          )}
        </span>
      </td>
    </tr>
  );
}

function AllSets({
  disks,
  keys,
}: {
  readonly disks: readonly DiskRow[];
  readonly keys: Keys | undefined;
}) {
  const sets = new Set(disks.flatMap(({ regions }) => regions.flatMap(({ disk }) => setsOf(disk))));
  if (sets.size === 0) return null;
  return (
    <details class="fold">
      <summary>
        <b>{sets.size === 1 ? "The set" : `All ${sets.size} sets`}</b>
        <span class="muted small">by region and disk, and when their keys expire</span>
      </summary>
      <Table
        caption="Disk encryption sets by region and disk"
        columns={["Region", ...disks.map(({ name }) => name)]}
      >
        {(disks[0]?.regions ?? []).map(({ region }) => (
          <tr key={region}>
            <th scope="row">{region}</th>
            {disks.map(({ name, regions }) => {
              const disk = regions.find((one) => one.region === region)?.disk;
              return (
                <td key={name} data-label={name}>
                  <span>
                    {disk &&
                      setsOf(disk).map((id) => (
                        <NamedSet key={id} id={id} expires={expiryOf(keys, id)} />
                      ))}
                    {disk && <small>{ENCRYPTION_NAMES[disk.type] ?? disk.type}</small>}
                  </span>
                </td>
              );
            })}
          </tr>
        ))}
      </Table>
    </details>
  );
}

function NamedSet({
  id,
  expires,
}: {
  readonly id: string;
  readonly expires: string | null | undefined;
}) {
  return (
    <>
      <span title={id}>{nameIn(id)}</span>
      {expires !== undefined && (
        <small>
          <Expires value={expires} />
        </small>
      )}
    </>
  );
}

/** Until when the key of a set can be used; null where it is well and has no end, undefined where nobody has seen that. */
function expiryOf(keys: Keys | undefined, id: string): string | null | undefined {
  const isOfIt = (one: { readonly diskEncryptionSetId: string }): boolean =>
    isSame(one.diskEncryptionSetId, id);
  const set = keys?.sets?.find(isOfIt);
  const isSeen = ![...(keys?.notSeen ?? []), ...(keys?.problems ?? [])].some(isOfIt);
  return set?.expiresTime ?? (set && isSeen ? null : undefined);
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function disksOf({ sigil: { regions } }: Version): readonly DiskRow[] {
  const luns = [
    ...new Set(
      regions.flatMap(({ encryption }) => encryption.dataDiskImages.map(({ lun }) => lun)),
    ),
  ].sort((a, b) => a - b);
  return [
    {
      name: "OS disk",
      regions: regions.map(({ name, encryption }) => ({
        region: name,
        disk: encryption.osDiskImage,
      })),
    },
    ...luns.map((lun) => ({
      name: `Data disk ${lun}`,
      regions: regions.flatMap(({ name, encryption }) => {
        const disk = encryption.dataDiskImages.find((one) => one.lun === lun);
        return disk === undefined ? [] : [{ region: name, disk }];
      }),
    })),
  ];
}

/** How many sets it has. */
export function setCount(version: Version): number {
  const all = disksOf(version).flatMap(({ regions }) =>
    regions.flatMap(({ disk }) => setsOf(disk)),
  );
  return new Set(all.map((id) => id.toLowerCase())).size;
}

function setsOf(disk: Disk): readonly string[] {
  return [disk.diskEncryptionSetId, disk.secureVMDiskEncryptionSetId].filter(
    (id) => id !== undefined,
  );
}

function typesText(disks: readonly DiskRow[]): string {
  const types = new Set(disks.flatMap(({ regions }) => regions.map(({ disk }) => disk.type)));
  return [...types].map((type) => ENCRYPTION_NAMES[type] ?? type).join(", ");
}

/** One name for all where the region is all that differs. */
function patternOf(regions: DiskRow["regions"]): string {
  const names = regions.flatMap(({ region, disk }) =>
    setsOf(disk).map((id) => nameIn(id).replaceAll(region, "{region}")),
  );
  const all = [...new Set(names)];
  return all.length <= 2 ? all.join(", ") : `${all[0]} and ${all.length - 1} others`;
}

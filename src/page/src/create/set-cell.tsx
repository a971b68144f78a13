import { useState } from "preact/hooks";
import { Tile } from "../components/tile.js";
import { canonicalRegion } from "../geography.js";
import { keyText } from "../key-text.js";
import type { ImageName } from "../routes.js";
import { focusSoon, useField } from "./fields.js";
import { setField } from "./model/fields.js";
import {
  calledRegion,
  diskName,
  isChosenByRule,
  takesSet,
  type Disk,
  type Form,
  type RegionRow,
} from "./model/form.js";
import {
  findSet,
  fittingIn,
  namedByRule,
  sameId,
  setName,
  type DiskEncryptionSet,
} from "./model/sets.js";
import type { SetsState } from "./use-sets.js";

interface SetCellProps {
  readonly image: ImageName;
  readonly form: Form;
  readonly region: RegionRow;
  readonly disk: Disk;
  readonly sets: SetsState;
  readonly choose: (setId: string) => void;
}

/** The set of one disk in one region: the one that Azure has, the one of the rule, or one to choose. */
export function SetCell(props: SetCellProps) {
  const { form, region, disk, sets } = props;
  const [byHand, setByHand] = useState(false);
  const field = setField(region.id, disk);
  const described = useField(field)["aria-describedby"];
  const chosen = region.sets[disk] ?? "";
  const shown = { id: field, "aria-describedby": described, tabIndex: -1 };
  if (!takesSet(form, disk))
    return (
      <span {...shown} class="muted">
        platform key
      </span>
    );
  if (region.fixed.includes(disk))
    return (
      <span {...shown} title={factsOf(findSet(sets.value ?? [], chosen))}>
        {setName(chosen)}
      </span>
    );
  if (isChosenByRule(form, disk) && chosen === "" && !byHand)
    return (
      <span class="row by-rule">
        <span {...shown}>
          <ByRule {...props} />
        </span>
        <button
          type="button"
          class="subtle small"
          aria-label={`Choose the set of ${diskName(disk)} in ${calledRegion(region)}`}
          title="Choose another set"
          onClick={() => {
            setByHand(true);
            focusSoon(field);
          }}
        >
          …
        </button>
      </span>
    );
  return <SetSelect {...props} />;
}

function ByRule({ image, form, region, disk, sets }: SetCellProps) {
  const named = namedByRule(
    form,
    image,
    fittingIn(form, sets.value ?? [], image.subscriptionId),
    region,
    disk,
  );
  if (named === undefined) return <span class="muted">by its tag</span>;
  if (sets.value === undefined) return <>{setName(named.name)}</>;
  return named.set === undefined ? (
    <span class="state nowrap" title={named.name}>
      <Tile state="failed" /> not found
    </span>
  ) : (
    <span title={`${setName(named.set.id)}. ${factsOf(named.set) ?? ""}`}>
      <Tile state="done" label={`${setName(named.set.id)}, found by the rule`} />
    </span>
  );
}

function SetSelect({ image, form, region, disk, sets, choose }: SetCellProps) {
  const attributes = useField(setField(region.id, disk));
  const chosen = region.sets[disk] ?? "";
  const known = findSet(sets.value ?? [], chosen);
  const label = `${diskName(disk)} in ${calledRegion(region)}`;
  // Without the list a set is named by hand.
  if (sets.value === undefined && sets.error !== undefined)
    return (
      <input
        {...attributes}
        aria-label={`${label}: id of the set`}
        value={chosen}
        onInput={(event) => choose(event.currentTarget.value)}
      />
    );
  const options = fittingIn(form, sets.value ?? [], image.subscriptionId)(region, disk);
  const fits = options.find(({ id }) => sameId(id, chosen));
  return (
    <select
      {...attributes}
      aria-label={label}
      title={factsOf(known)}
      value={fits?.id ?? chosen}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      <option value="">
        {isChosenByRule(form, disk)
          ? "By the rule"
          : options.length === 0
            ? "No set fits"
            : "Choose a set"}
      </option>
      {options.map((set) => (
        <option key={set.id} value={set.id}>
          {optionText(set, options)}
        </option>
      ))}
      {chosen !== "" && fits === undefined && (
        <option value={chosen}>
          {setName(chosen)} ({known ? misfit(known, region) : "not known"})
        </option>
      )}
    </select>
  );
}

/** Its name; with its resource group where another has the same name. */
function optionText(
  { id, provisioningState }: DiskEncryptionSet,
  all: readonly DiskEncryptionSet[],
): string {
  const name = setName(id);
  const alike = all.filter((each) => setName(each.id).toLowerCase() === name.toLowerCase());
  const group = /\/resourceGroups\/([^/]+)\//iu.exec(id)?.[1] ?? "";
  return [
    alike.length > 1 ? `${group}/${name}` : name,
    ...(provisioningState === "Succeeded" ? [] : [`(${provisioningState})`]),
  ].join(" ");
}

function misfit(set: DiskEncryptionSet, { name }: RegionRow): string {
  return canonicalRegion(set.region) === canonicalRegion(name)
    ? set.encryptionType
    : `in ${set.region}`;
}

/** Its key, and whether it follows it. What is wrong with one is a finding. */
function factsOf(set: DiskEncryptionSet | undefined): string | undefined {
  if (set === undefined) return undefined;
  return [
    `Key ${keyText(set)}`,
    set.provisioningState,
    set.rotationToLatestKeyVersionEnabled
      ? "follows the newest key version"
      : "stays with this key version",
    ...(set.autoKeyRotationError ? [`rotation fails: ${set.autoKeyRotationError.message}`] : []),
  ].join(", ");
}

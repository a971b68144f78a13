/** What test machines cost, as far as the operator has said it. Pure. Nothing is guessed: a price that is not known is none. */
import type { TestCost } from "./contract.js";
import { canonicalRegion } from "../resource-id.js";
import type { TestPlace } from "./profile.js";

export const PRICES_SETTING = "SIGIL_TEST_MACHINE_PRICES";

export interface MachinePrices {
  /** ISO 4217. */
  readonly currency: string;
  /** Of an hour, by size, or by region and size where it has a price of its own: "westeurope/standard_d2s_v5". By `priceKey`. */
  readonly hour: Readonly<Record<string, number>>;
}

/** Regions may be spelled as the portal shows them: `West US/Standard_D2s_v5`. */
export function priceKey(key: string): string {
  const [size = "", region] = key.split("/").reverse();
  return [...(region === undefined ? [] : [canonicalRegion(region)]), size].join("/").toLowerCase();
}

/** What a region's machines cost at the most: so many, one after the other, each for so long. */
export function costOf(
  prices: MachinePrices | undefined,
  { region, machineSize }: Pick<TestPlace, "region" | "machineSize">,
  machines: number,
  minutes: number,
): TestCost {
  const size = machineSize.toLowerCase();
  const hour = [`${region}/${size}`, size]
    .map((key) =>
      prices !== undefined && Object.hasOwn(prices.hour, key) ? prices.hour[key] : undefined,
    )
    .find((price) => price !== undefined);
  if (prices === undefined || hour === undefined)
    return {
      message: `Unknown: ${PRICES_SETTING} has no price of ${machineSize} in ${region}.`,
    };
  const { currency } = prices;
  // Rounded up, but not for what binary fractions add: 3 × 0.1 is 0.30.
  const cents = (hour * machines * minutes * 100) / 60;
  const atMost = Math.ceil(Number(cents.toFixed(6))) / 100;
  return {
    currency,
    hour,
    atMost,
    message: `At most ${atMost.toFixed(2)} ${currency}: ${machines} machines, one after the other, of ${hour} ${currency} an hour, each deleted after at most ${minutes} minutes. Not included: the deletion itself, disks, traffic and licences.`,
  };
}

/** What test machines cost, by the operator's prices. Pure. An unknown price is never guessed. */
import type { TestCost } from "./contract.js";
import { canonicalRegion } from "../resource-id.js";
import type { TestPlace } from "./profile.js";

export const PRICES_SETTING = "SIGIL_TEST_MACHINE_PRICES";

export interface MachinePrices {
  /** ISO 4217. */
  readonly currency: string;
  /**
   * The price of an hour, by `priceKey`: by size, or by region and size, such as
   * "westeurope/standard_d2s_v5".
   */
  readonly hour: Readonly<Record<string, number>>;
}

/** The region may be spelled as in the portal: `West US/Standard_D2s_v5`. */
export function priceKey(key: string): string {
  const [size = "", region] = key.split("/").reverse();
  return [...(region === undefined ? [] : [canonicalRegion(region)]), size].join("/").toLowerCase();
}

/**
 * The most that a region's machines can cost: that many, one after the other, each for that long.
 */
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
  // Rounds up, but first removes binary noise: 3 × 0.1 is 0.30.
  const cents = (hour * machines * minutes * 100) / 60;
  const atMost = Math.ceil(Number(cents.toFixed(6))) / 100;
  return {
    currency,
    hour,
    atMost,
    message: `At most ${atMost.toFixed(2)} ${currency}: ${machines} machines, one after the other, of ${hour} ${currency} an hour, each deleted after at most ${minutes} minutes. Not included: the deletion itself, disks, traffic and licences.`,
  };
}

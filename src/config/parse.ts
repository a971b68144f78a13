import { readFileSync } from "node:fs";
import type { GalleryPolicy } from "../authorization/gallery-policy.js";
import { priceKey, type MachinePrices } from "../machine-test/prices.js";
import { parseGalleryPolicy } from "./gallery-policy-document.js";

/**
 * Parses an operator's text, which is trimmed and not empty. Mistakes go to `mistakes`, with the
 * setting's name; the value is then not used.
 */
export type Parse<T> = (text: string, name: string, mistakes: string[]) => T;

export const text: Parse<string> = (text) => text;

/** The schedule of a timer; undefined: never. */
export const schedule: Parse<string | undefined> = (text) =>
  text.toLowerCase() === "off" ? undefined : text;

/** `true` or `false`, in any case. */
export const boolean: Parse<boolean> = (text, name, mistakes) =>
  oneOf("true", "false")(text, name, mistakes) === "true";

/** One of these words, in any case. */
export function oneOf<Word extends string>(...words: Word[]): Parse<Word> {
  return (text, name, mistakes) => {
    const found = words.find((word) => word === text.toLowerCase());
    if (found !== undefined) return found;
    mistakes.push(`${name} is "${text}": it must be ${words.join(" or ")}.`);
    return text as Word;
  };
}

/** NaN if it is not a number, or out of bounds. */
function number(least: number, most: number): Parse<number> {
  return (text, name, mistakes) => {
    const value = Number(text);
    if (Number.isFinite(value) && value >= least && value <= most) return value;
    mistakes.push(`${name} is "${text}": it must be a number from ${least} to ${most}.`);
    return NaN;
  };
}

export function integer(least: number, most: number): Parse<number> {
  return (text, name, mistakes) => {
    const value = number(least, most)(text, name, mistakes);
    if (!Number.isNaN(value) && !Number.isInteger(value))
      mistakes.push(`${name} is "${text}": it must be a whole number.`);
    return value;
  };
}

/** Seconds, possibly with a fraction, as milliseconds. */
export const seconds: Parse<number> = (...setting) =>
  Math.round(number(0.05, 86_400)(...setting) * 1_000);

/** Whole days as milliseconds. */
export const days: Parse<number> = (...setting) => integer(1, 3_650)(...setting) * 86_400_000;

export const httpsUrl: Parse<string> = (text, name, mistakes) => {
  if (!(URL.canParse(text) && new URL(text).protocol === "https:"))
    mistakes.push(`${name} is "${text}": it must be an https address.`);
  return text;
};

/**
 * Requires https, but allows http on the local machine: browsers trust that, but no self-signed
 * certificate.
 */
export const authority: Parse<string> = (text, name, mistakes) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url?.protocol === "http:" && ["127.0.0.1", "localhost"].includes(url.hostname);
  if (url?.protocol !== "https:" && !isLocal)
    mistakes.push(`${name} is "${text}": it must be an https address.`);
  return text.replace(/\/+$/u, "");
};

/** The items between commas, none of them empty. */
function list(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** At least one item; `what` is what it names, such as "an issuer". */
export function someOf(what: string, item: Parse<string>): Parse<readonly string[]> {
  return (text, name, mistakes) => {
    const items = list(text);
    if (items.length === 0) mistakes.push(`${name} is "${text}": it must name ${what}.`);
    return items.map((each) => item(each, name, mistakes));
  };
}

/** Any number of items; `right` is what each must be, for the message. */
function anyOf(isRight: (item: string) => boolean, right: string): Parse<readonly string[]> {
  return (text, name, mistakes) => {
    const items = list(text);
    for (const item of items.filter((item) => !isRight(item)))
      mistakes.push(`${name} has "${item}": it must be ${right}.`);
    return items;
  };
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;

export const tenants = anyOf((item) => GUID.test(item), "a tenant's id, a GUID");

export const subscriptions = anyOf((item) => GUID.test(item), "a subscription's id, a GUID");

/** Without a trailing slash; at most one for each subscription. */
export const captureGroups: Parse<readonly string[]> = (text, name, mistakes) => {
  const groups = anyOf(
    (item) => GROUP.test(item),
    "a resource group's id, /subscriptions/{guid}/resourceGroups/{name}",
  )(text, name, mistakes);
  const subscriptions = groups.map((group) => group.toLowerCase().split("/")[2]);
  for (const twice of subscriptions.filter((one, i) => subscriptions.indexOf(one) < i))
    mistakes.push(`${name} has several resource groups in the subscription ${twice}: name one.`);
  return groups;
};

const GROUP =
  /^\/subscriptions\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/resourceGroups\/[\w.()-]{1,90}$/iu;

/** As browsers write it in `Origin` (RFC 6454, 6.2); it is compared exactly. */
export const origins = anyOf(
  (item) =>
    URL.canParse(item) &&
    /^https?:$/u.test(new URL(item).protocol) &&
    new URL(item).origin === item,
  "an origin such as https://portal.example, without a path or *",
);

/** The policy, or an @ and the path of a file with it. */
export const galleryPolicy: Parse<GalleryPolicy | undefined> = (text, name, mistakes) => {
  let document = text;
  if (text.startsWith("@")) {
    try {
      document = readFileSync(text.slice(1), "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      mistakes.push(`${name} is "${text}": the file cannot be read (${code}).`);
      return undefined;
    }
  }
  const parsed = parseGalleryPolicy(document);
  if ("policy" in parsed) return parsed.policy;
  mistakes.push(...parsed.mistakes.map((mistake) => `${name}: ${mistake}`));
  return undefined;
};

/** Keys in lower case, because Azure ignores their case. */
export const machinePrices: Parse<MachinePrices | undefined> = (text, name, mistakes) => {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = undefined;
  }
  const { currency, hour } = (given ?? {}) as Partial<Record<keyof MachinePrices, unknown>>;
  const prices = typeof hour === "object" && hour !== null ? Object.entries(hour) : [];
  if (
    typeof currency !== "string" ||
    !/^[A-Z]{3}$/u.test(currency) ||
    prices.length === 0 ||
    !prices.every(([, price]) => typeof price === "number" && Number.isFinite(price) && price > 0)
  ) {
    mistakes.push(
      `${name} must be JSON with a currency and the price of an hour, above 0, by machine size: {"currency":"USD","hour":{"Standard_D2s_v5":0.1}}.`,
    );
    return undefined;
  }
  return {
    currency,
    hour: Object.fromEntries(prices.map(([key, price]) => [priceKey(key), price as number])),
  };
};

/** Not quoted in a mistake, because it may contain a key. */
export const insightsConnectionString: Parse<string> = (text, name, mistakes) => {
  if (!/(?:^|;)\s*InstrumentationKey=[^;]/iu.test(text))
    mistakes.push(
      `${name} has no InstrumentationKey: copy it from the resource's overview in the portal.`,
    );
  return text;
};

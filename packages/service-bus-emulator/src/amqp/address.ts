/** The target of a link's address, or of the name in a token. */
export interface Address {
  /** The entity's path, without `/$management`. */
  readonly path: string;
  readonly management: boolean;
}

const MANAGEMENT = "/$management";

/** Reads `q`, `t/Subscriptions/s`, `.../$DeadLetterQueue`, `.../$management`, also behind `amqps://HOST/` or `sb://HOST/`. */
export function parseAddress(address: string): Address {
  const path = address.replace(/^[a-z]+:\/\/[^/]*\/?|\?.*$/giu, "").replace(/^\/+|\/+$/gu, "");
  const lowerCase = path.toLowerCase();
  if (lowerCase === MANAGEMENT.slice(1)) return { path: "", management: true };
  return lowerCase.endsWith(MANAGEMENT)
    ? { path: path.slice(0, -MANAGEMENT.length), management: true }
    : { path, management: false };
}

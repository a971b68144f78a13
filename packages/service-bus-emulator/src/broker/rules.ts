/**
 * The rules of a subscription, which a client may change.
 *
 * Invariants
 * 1. Names compare without case, and come once.
 * 2. A change is stored with the configuration's rules that it was made on, and holds until the configuration has others.
 */
import { isDeepStrictEqual } from "node:util";
import { createFilter, type Rule } from "../filter/rule.js";
import type { Filter, FilterableMessage } from "../filter/value.js";
import type { Operation, Store, StoredRules } from "./store.js";

export class Rules {
  readonly #store: Store;
  readonly #entity: string;
  readonly #configured: readonly Rule[];
  readonly #rules = new Map<string, { rule: Rule; filter: Filter }>();
  #changed = false;

  constructor(store: Store, entity: string, configured: readonly Rule[]) {
    this.#store = store;
    this.#entity = entity;
    this.#configured = configured;
    for (const rule of configured) this.#set(rule);
  }

  /** Whether any rule takes a message. */
  take(message: FilterableMessage): boolean {
    for (const { filter } of this.#rules.values()) if (filter(message)) return true;
    return false;
  }

  list(): Rule[] {
    return [...this.#rules.values()].map(({ rule }) => rule);
  }

  /** Adds a rule; false, and no change, if its name is taken. Throws SqlFilterError where its filter is none. */
  add(rule: Rule): boolean {
    if (this.#rules.has(rule.name.toLowerCase())) return false; // (1)
    this.#set(rule);
    this.#keep();
    return true;
  }

  /** Removes a rule; false if there is none of that name. */
  remove(name: string): boolean {
    if (!this.#rules.delete(name.toLowerCase())) return false;
    this.#keep();
    return true;
  }

  /** Takes over what a store held; false if the configuration has other rules since (2). */
  restore({ configured, rules }: StoredRules): boolean {
    if (!isDeepStrictEqual(configured, this.#configured)) return false;
    this.#rules.clear();
    for (const rule of rules) this.#set(rule);
    this.#changed = true;
    return true;
  }

  *snapshot(): Iterable<Operation> {
    if (this.#changed)
      yield {
        kind: "rules",
        entity: this.#entity,
        rules: { configured: this.#configured, rules: this.list() },
      };
  }

  #set(rule: Rule): void {
    const filter = createFilter(rule.filter);
    this.#rules.set(rule.name.toLowerCase(), { rule, filter });
  }

  #keep(): void {
    this.#changed = true;
    this.#store.append([...this.snapshot()]);
  }
}

import { parseDurationMs } from "./duration.js";

/** A configuration that cannot be used; the message starts with the path of what is wrong. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  /** What is wrong there, without the path. */
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.problem = problem;
  }
}

/** A JSON object of the configuration that knows its own path, for errors. Empty text counts as absent. */
export class ConfigurationObject {
  readonly path: string;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(path: string, value: unknown, known: readonly string[]) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new ConfigurationError(path, `expected an object, got ${describe(value)}`);
    this.path = path;
    this.#values = { ...value };
    for (const key of Object.keys(value))
      if (!known.includes(key))
        throw new ConfigurationError(`${path}.${key}`, `unknown; known here: ${known.join(", ")}`);
  }

  pathOf(key: string): string {
    return `${this.path}.${key}`;
  }

  has(key: string): boolean {
    const value = this.#values[key];
    return value !== undefined && value !== null && value !== "";
  }

  object(key: string, known: readonly string[]): ConfigurationObject {
    return new ConfigurationObject(this.pathOf(key), this.#values[key], known);
  }

  /** An object that may be left out. */
  optionalObject(key: string, known: readonly string[]): ConfigurationObject {
    return new ConfigurationObject(this.pathOf(key), this.#values[key] ?? {}, known);
  }

  /** Every property with its value, for objects whose keys are free. */
  entries(): [string, unknown][] {
    return Object.entries(this.#values);
  }

  /** The objects of a list, which may be left out. */
  objects(key: string, known: readonly string[]): ConfigurationObject[] {
    const value = this.#values[key] ?? [];
    if (!Array.isArray(value))
      throw new ConfigurationError(this.pathOf(key), `expected a list, got ${describe(value)}`);
    return value.map(
      (item: unknown, index) =>
        new ConfigurationObject(`${this.pathOf(key)}[${index}]`, item, known),
    );
  }

  text(key: string): string {
    const value = this.#values[key];
    if (typeof value !== "string" || value === "")
      throw new ConfigurationError(this.pathOf(key), `expected text, got ${describe(value)}`);
    return value;
  }

  boolean(key: string): boolean {
    const value = this.#values[key] ?? false;
    if (typeof value !== "boolean")
      throw new ConfigurationError(
        this.pathOf(key),
        `expected true or false, got ${describe(value)}`,
      );
    return value;
  }

  positiveInteger(key: string, fallback: number): number {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 1)
      throw new ConfigurationError(
        this.pathOf(key),
        `expected a whole number from 1 up, got ${describe(value)}`,
      );
    return value;
  }

  /** Milliseconds of an ISO 8601 duration within [minMs, maxMs]; undefined when left out. */
  durationMs(key: string, minMs: number, maxMs: number): number | undefined {
    if (!this.has(key)) return undefined;
    const value = this.#values[key];
    const ms = typeof value === "string" ? parseDurationMs(value) : undefined;
    if (ms === undefined)
      throw new ConfigurationError(
        this.pathOf(key),
        `expected an ISO 8601 duration such as PT1M, got ${describe(value)}`,
      );
    if (ms < minMs || ms > maxMs)
      throw new ConfigurationError(
        this.pathOf(key),
        `expected between ${minMs / 1000} s and ${maxMs / 1000} s, got ${describe(value)}`,
      );
    return ms;
  }
}

/** A value as an error shows it. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return JSON.stringify(value);
}

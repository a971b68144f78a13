import type { ReceivedEvent } from "./subscriber.js";

/** The expected result of one request. */
export interface ExpectedVersion {
  readonly version: string;
  readonly outcome: "succeeds" | "is refused" | "is promoted once tested";
  readonly regions: readonly string[];
}

/**
 * The events that subscribers must see. For a version that succeeds: Accepted, Creating,
 * RegionCompleted for each region, and Completed. For one that is tested, also those of its test
 * and its promotion. For one that is refused: Accepted and Failed.
 *
 * Invariants
 *  1. Each of them comes exactly once, and no other comes, except RegionReplicating.
 *  2. No event comes twice: subscribers recognize an event by its id.
 */
export class ExpectedEvents {
  readonly #missing = new Map<string, string[]>();
  readonly #seenIds = new Set<string>();
  readonly #waiting: { isOver: () => boolean; resolve: () => void }[] = [];

  constructor(versions: readonly ExpectedVersion[]) {
    for (const { version, outcome, regions } of versions)
      this.#missing.set(
        version,
        outcome === "is refused"
          ? ["Accepted", "Failed"]
          : [
              "Accepted",
              "Creating",
              ...regions.map((region) => `RegionCompleted ${region}`),
              "Completed",
              ...(outcome === "succeeds" ? [] : factsOfTest(regions)),
            ],
      );
  }

  /** Says what is wrong when the event is one that should not have come. */
  receive(event: ReceivedEvent): string | undefined {
    const { id, kind, version, data } = event;
    if (this.#seenIds.has(id)) return `The event ${id} arrived twice.`; // (2)
    this.#seenIds.add(id);
    if (kind === "RegionReplicating") return undefined;
    const fact = data.region === undefined ? kind : `${kind} ${data.region}`;
    const missing = this.#missing.get(version) ?? [];
    const at = missing.indexOf(fact);
    if (at === -1) {
      const reason = data.error?.message ?? data.details ?? "";
      return `${version}: ${fact} was not expected. ${reason}`.trim(); // (1)
    }
    missing.splice(at, 1);
    for (const { isOver, resolve } of this.#waiting) if (isOver()) resolve();
    return undefined;
  }

  /** Resolves when an event of a version has come. */
  received(version: string, fact: string): Promise<void> {
    return this.#until(() => this.#missing.get(version)?.includes(fact) !== true);
  }

  /** Resolves when all events of a version have come. */
  receivedAll(version: string): Promise<void> {
    return this.#until(() => this.#missing.get(version)?.length === 0);
  }

  /** Such as "1.0.1 RegionCompleted eastus2". */
  missing(): readonly string[] {
    return [...this.#missing].flatMap(([version, facts]) =>
      [...facts].map((fact) => `${version} ${fact}`),
    );
  }

  #until(isOver: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (isOver()) resolve();
      else this.#waiting.push({ isOver, resolve });
    });
  }
}

/** The events of the test by machines, and of the promotion that follows. */
function factsOfTest(regions: readonly string[]): readonly string[] {
  return [
    "TestRequested",
    ...regions.flatMap((region) => [`RegionTested ${region}`, `TestResultReported ${region}`]),
    "Tested",
    "Accepted",
    "Updating",
    "Promoted",
    "Completed",
  ];
}

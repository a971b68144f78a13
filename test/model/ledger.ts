/** The oracle: what was accepted, in order, and what the version shall therefore be. */
import type {
  OperationKind,
  OperationRecord,
} from "../../src/operation/records.js";
import { bodyOf, type Asked } from "./requests.js";

/** What a caller sends, as far as the oracle minds. */
export interface Command {
  readonly kind: OperationKind;
  /** Of a PUT. */
  readonly asked?: Asked;
  readonly allowRegionRemoval?: boolean;
}

export interface AcceptedOperation extends Command {
  readonly id: string;
  /** Operations that had not ended when it was accepted: it is done together with them. */
  readonly beside: readonly string[];
}

export interface Ledger {
  accept(operation: OperationRecord, command: Command): void;
  knows(operationId: string): boolean;
  /** A caller wishes this operation canceled. */
  wishCanceled(operationId: string): void;
  mayBeCanceled(operationId: string): boolean;
  /** In the order of being accepted. */
  readonly accepted: readonly AcceptedOperation[];
  /** Operations since the version was deleted last. */
  life(): readonly AcceptedOperation[];
  /** What the version shall be: what was asked last, and what was asked while that was done. */
  desired(): Asked | undefined;
  /** What was asked last by several, if it was several. */
  group(): readonly AcceptedOperation[];
  /** The operation that does just this, or has done it last. */
  doing(asked: Asked): AcceptedOperation | undefined;
  /** The last request that has succeeded in this life. */
  achieved(): Asked | undefined;
  /** Somebody has confirmed that a region is taken away, and nobody has asked for it since. */
  mayRemove(region: string): boolean;
}

export function createLedger(
  operationOf: (id: string) => OperationRecord | undefined,
): Ledger {
  const accepted: AcceptedOperation[] = [];
  const wishes = new Set<string>();
  const statusOf = (id: string) => operationOf(id)?.status;
  const isOpen = (id: string): boolean =>
    ["NotStarted", "Running"].includes(statusOf(id) ?? "");

  const isDoing = (id: string): boolean =>
    isOpen(id) ||
    (statusOf(id) === "Succeeded" && !accepted.some((each) => isOpen(each.id)));

  const life = (): readonly AcceptedOperation[] =>
    accepted.slice(
      accepted.findLastIndex(
        ({ id, kind }) =>
          kind === "DeleteImageVersion" && statusOf(id) === "Succeeded",
      ) + 1,
    );

  /** The last operations that ask for something, from the one that nothing ran beside: done one by one, or together. */
  const group = (): readonly (AcceptedOperation & {
    readonly asked: Asked;
  })[] => {
    const operations = life();
    const last = operations.findLastIndex(({ asked }) => asked !== undefined);
    const first = operations.findLastIndex(
      ({ beside, asked }, i) =>
        i <= last && asked !== undefined && beside.length === 0,
    );
    return operations
      .slice(first === -1 ? last : first, last + 1)
      .flatMap((each) =>
        each.asked === undefined ? [] : [{ ...each, asked: each.asked }],
      );
  };

  const desired = (): Asked | undefined => {
    const all = group();
    // What has failed, or is canceled, binds nobody; unless it is all there is: then a retry is about it.
    const binding = all.filter(
      ({ id }) => !["Failed", "Canceled"].includes(statusOf(id) ?? ""),
    );
    return (binding.length > 0 ? binding : all.slice(-1))
      .map(({ asked }) => asked)
      .reduce<Asked | undefined>(
        (one, other) => (one === undefined ? other : both(one, other)),
        undefined,
      );
  };

  return {
    accept(operation, command) {
      accepted.push({
        ...command,
        kind: operation.kind,
        id: operation.id,
        beside: accepted.map(({ id }) => id).filter(isOpen),
      });
    },
    wishCanceled: (operationId) => void wishes.add(operationId),
    mayBeCanceled: (operationId) => wishes.has(operationId),
    knows: (operationId) => accepted.some(({ id }) => id === operationId),
    accepted,
    life,
    desired,
    group,
    doing(asked) {
      const last = accepted.at(-1);
      if (last?.kind === "DeleteImageVersion") return undefined;
      if (last?.asked === undefined)
        return isSame(desired(), asked) &&
          last !== undefined &&
          isDoing(last.id)
          ? last
          : undefined;
      return group().find(
        (each) => isSame(each.asked, asked) && isDoing(each.id),
      );
    },
    achieved: () =>
      life().findLast(
        ({ id, asked }) => asked !== undefined && statusOf(id) === "Succeeded",
      )?.asked,
    mayRemove(region) {
      const wanted = desired();
      return (
        wanted?.regions[region] === undefined &&
        life().some((each) => each.allowRegionRemoval === true) &&
        life().some(({ asked }) => asked?.regions[region] !== undefined)
      );
    },
  };
}

function both(one: Asked, other: Asked): Asked {
  const regions = { ...one.regions };
  for (const [name, count] of Object.entries(other.regions))
    regions[name] = Math.max(regions[name] ?? 0, count);
  return {
    ...other,
    regions,
    otherKeys: [...new Set([...one.otherKeys, ...other.otherKeys])],
  };
}

/** Two requests that mean the same. */
export function isSame(one: Asked | undefined, other: Asked): boolean {
  return (
    one !== undefined &&
    JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
  );
}

function sorted(asked: Asked): unknown {
  const { properties, ...rest } = bodyOf(asked);
  const regions = properties.publishingProfile?.targetRegions ?? [];
  return {
    ...rest,
    profile: { ...properties.publishingProfile, targetRegions: undefined },
    safety: properties.safetyProfile,
    regions: [...regions].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

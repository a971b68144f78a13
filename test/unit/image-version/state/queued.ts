/** Requests that are queued behind a running operation, as batches are tested with them. */
import { regionField } from "../../../../src/image-version/properties/fields.js";
import { beginCancel } from "../../../../src/image-version/state/cancel.js";
import {
  batchOf,
  type ImageVersionPair,
  type VersionRequest,
} from "../../../../src/image-version/state/record.js";
import type { Accepting } from "../../../../src/image-version/state/accepting.js";
import { sequenceOf } from "../../../../src/operation/records.js";
import { at, changeOf, KEY, queued } from "../../../support/transitions.js";

export const EAST = regionField("eastus2");
export const BY = { name: "me" };

export const tag = (name: string, value: string | null = "1"): VersionRequest =>
  changeOf({ [`/tags/${name}`]: value });

/** The state with each of these queued, in this order. */
export function withQueued(
  pair: ImageVersionPair,
  ...all: readonly (
    VersionRequest | readonly [VersionRequest, Partial<Accepting>]
  )[]
): ImageVersionPair {
  return all.reduce<ImageVersionPair>((before, one) => {
    const [request, more] = "changes" in one ? [one, {}] : one;
    return queued(before, request, more);
  }, pair);
}

export const cancel = (pair: ImageVersionPair, number: number) =>
  beginCancel(pair, `${KEY}-${number}`, BY, at(50));

export const numbers = (ids: readonly { readonly id: string }[]): number[] =>
  ids.map(({ id }) => sequenceOf(id));

/** Numbers of the operations: the one that leads, its members, and those that are queued. */
export const orderOf = ({ record, operation }: ImageVersionPair) => ({
  leader: sequenceOf(operation.id),
  members: numbers(record.members),
  queued: numbers(record.queued.map((one) => one.operation)),
  batch: batchOf(record).map(([id]) => sequenceOf(id)),
});

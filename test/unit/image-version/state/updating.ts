/** An update of a version, as the transitions are tested with it. */
import { expect } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import type { ImageVersionPair } from "../../../../src/image-version/state/record.js";
import { reconcile } from "../../../../src/image-version/state/reconcile.js";
import { accept } from "../../../../src/image-version/state/accepting.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  acceptingOf,
  at,
  changeOf,
  COMPLETED,
  lookOf,
  putOf,
  succeeded,
  told,
  type Put,
} from "../../../support/transitions.js";

export const EAST = regionField("eastus2");
export const WAITING = { kind: "wait", why: "ARM works on it." } as const;

export function putFor(
  pair: ImageVersionPair,
  changes: Patch = {},
  seconds = 60,
): Put {
  const decision = reconcile(
    pair.record,
    lookOf("Succeeded", COMPLETED, { changes }),
    at(seconds),
  );
  return decision.kind === "put"
    ? decision
    : expect.fail(JSON.stringify(decision));
}

/** A version that is there, and of which its next operation asks that. */
export function updating(changes: Patch): ImageVersionPair {
  const before = succeeded();
  return told(
    accept(
      acceptingOf(changeOf(changes), { regions: [] }),
      before.record,
      at(50),
    ),
  );
}

export const createPut: Put = {
  kind: "put",
  body: managedImageRequest(),
  creates: true,
  changes: putOf(managedImageRequest()).changes,
  removesRegions: false,
  takesAway: {},
  addsBack: [],
  promotes: false,
  rewrites: false,
  isMet: false,
};

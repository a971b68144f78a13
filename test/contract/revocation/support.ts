/** Image definitions of which a version is taken back. */
import { promoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { hasEnded } from "../../../src/operation/kinds.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { revocationKeyOf } from "../../../src/revocation/record.js";
import {
  revokeImageVersion,
  unrevokeImageVersion,
  type RevokeImageVersion,
} from "../../../src/revocation/revoke.js";
import {
  idOf,
  request,
  revocationOf,
  TRACEPARENT,
  type InProcess,
} from "../../support/dependencies.js";
import { body, versionId, WESTUS } from "../image-version/rollbacks.js";

export const BY = {
  requestedBy: { appId: "responder" },
  traceparent: TRACEPARENT,
};
export const REASON = "CVE-2026-1234: openssl";

/** What a test does in its world, with one image definition. */
export class Revocations {
  readonly #world: InProcess;
  readonly image: string;

  constructor(world: InProcess, image: string) {
    this.#world = world;
    this.image = image;
  }

  id(number: string): string {
    return versionId(number, this.image);
  }

  async publish(number: string, targetRegions = [WESTUS], sigil: object = {}): Promise<void> {
    const id = this.id(number);
    await request(this.#world.deps, id, { ...body({ targetRegions }), sigil });
    await this.#world.finish(id);
  }

  revoke(number: string, more: Partial<RevokeImageVersion> = {}): Promise<OperationRecord> {
    return revokeImageVersion(revocationOf(this.#world.deps), {
      id: idOf(this.id(number)),
      reason: REASON,
      ...BY,
      ...more,
    });
  }

  unrevoke(number: string): Promise<OperationRecord> {
    return unrevokeImageVersion(revocationOf(this.#world.deps), {
      id: idOf(this.id(number)),
      requestedBy: { objectId: "admin" },
      traceparent: TRACEPARENT,
    });
  }

  promote(number: string): Promise<OperationRecord> {
    return promoteImageVersion(this.#world.deps, {
      id: idOf(this.id(number)),
      ...BY,
    });
  }

  /** The operation as it is once it has ended, or waits for another latest. */
  async settled(number: string): Promise<OperationRecord> {
    const { revocations } = revocationOf(this.#world.deps);
    for (let steps = 0; steps < 200; steps += 1) {
      await this.#world.runDue();
      const stored = await revocations.read(revocationKeyOf(this.id(number)));
      if (stored === undefined) throw new Error(`${number} is not revoked`);
      if (
        hasEnded(this.#world.deps, stored) ||
        stored.operation.waitReason?.includes("no latest version") === true
      )
        return stored.operation;
      this.#world.clock.advance(15_000);
    }
    throw new Error(`the revocation of ${number} does not end`);
  }

  async revoked(number: string, more: Partial<RevokeImageVersion> = {}): Promise<OperationRecord> {
    await this.revoke(number, more);
    return this.settled(number);
  }
}

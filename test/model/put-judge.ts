/** What a PUT is judged by, where it arrives: what its sender has seen and stored, and what ARM has. */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type { ArmVersion } from "./arm.js";
import { isIdle, keysIn, regionsOf } from "./bodies.js";
import type { Process } from "./process.js";
import { HOME } from "./requests.js";

/** Of the image, each with a key in every region. */
const DISKS = 2;

export interface Judge {
  /** Tells of a breach of the invariant of that number (state-machine.test.ts). */
  readonly breach: (invariant: number, text: string) => void;
  readonly log: (text: string) => void;
  /** Somebody whom Sigil serves has confirmed that this region is taken away. */
  readonly mayRemove: (region: string) => boolean;
  /** The keys of a region that is asked for. */
  readonly keysOf: (region: string) => unknown;
  /** The message that looks after this step is on its way. */
  readonly isLookedAfter: (operationId: string, step: number) => boolean;
}

export interface PutJudge {
  /** Right before ARM meets it. `revision` is ARM's: it grows with every change. */
  sent(
    process: Process,
    body: ImageVersionRequest,
    version: ArmVersion | undefined,
    revision: number,
  ): void;
  /** ARM has not refused it. */
  taken(process: Process, body: ImageVersionRequest, revision: number): void;
}

export function createPutJudge(judge: Judge): PutJudge {
  const steps = new Set<string>();
  let last:
    | {
        readonly process: Process;
        readonly name: string;
        readonly revision: number;
      }
    | undefined;
  const nameOf = ({ stored }: Process, body: ImageVersionRequest): string =>
    `${stored?.operationId} ${JSON.stringify(body)}`;

  return {
    sent(process, body, version, revision) {
      const { look, stored } = process;
      const put = `PUT by ${process.name}`;
      if (look === undefined)
        return judge.breach(5, `${put}, which has not looked`);
      if (stored?.state !== "Creating" && stored?.state !== "Updating")
        return judge.breach(3, `${put}, which stored no intent`);
      const { operationId, step } = stored;
      if (!judge.isLookedAfter(operationId, step))
        judge.breach(3, `${put}: no message looks after step ${step}`);
      if (steps.has(`${operationId} ${step}`))
        judge.breach(3, `${put} of step ${step}, which had its PUT`);
      steps.add(`${operationId} ${step}`);
      // Who got no answer does not know that ARM took it; and a request that leaves the profile open may come once to remove
      // regions, and once more when they are gone.
      if (
        body.properties.safetyProfile?.allowDeletionOfReplicatedLocations !==
          true &&
        last?.name === nameOf(process, body) &&
        last.revision === revision &&
        last.process.stored?.state === "Replicating"
      )
        judge.breach(11, `${put} of what ARM took`);
      if (version === undefined) return;
      const busy = !isIdle(version.provisioningState);
      // A look at a replica that is behind: harmless while ARM, busy with the first, refuses the second or knows it again.
      if (look.shown === "absent" && !busy)
        judge.breach(4, `${put}, a create, of a version that exists`);
      // What nobody could know, the sender is not blamed for: ARM refuses it.
      const known = look.current && look.revision === revision;
      if (!known || look.shown === "absent") return;
      if (look.shown === "busy" && busy)
        judge.breach(5, `${put} while ARM is ${version.provisioningState}`);
      judgeRegions(put, body, version);
    },
    taken(process, body, revision) {
      last = { process, name: nameOf(process, body), revision };
    },
  };

  function judgeRegions(
    put: string,
    body: ImageVersionRequest,
    version: ArmVersion,
  ): void {
    const sent = new Map(
      regionsOf(body).map((region) => [region.name, region.encryption]),
    );
    for (const { name, state, encryption } of version.regions) {
      const keys = JSON.stringify(sent.get(name));
      if (!sent.has(name)) {
        const letGo = state === "Failed" || judge.mayRemove(name);
        if (name === HOME || !letGo)
          judge.breach(6, `${put} leaves out ${name}, which nobody let go`);
      } else if (
        keys !== JSON.stringify(encryption) &&
        keys !== JSON.stringify(judge.keysOf(name))
      )
        judge.breach(6, `${put} sends another encryption of ${name}`);
    }
    for (const [name, encryption] of sent)
      if (keysIn(encryption).length !== DISKS)
        judge.breach(6, `${put} sends ${name} without all its keys`);
  }
}

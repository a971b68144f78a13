/** PUTs, and what the oracle says of their answers. */
import { ServiceError } from "../../src/errors.js";
import type { Dependencies } from "../../src/image-version/ports.js";
import { putImageVersion } from "../../src/image-version/put-image-version.js";
import type { OperationRecord } from "../../src/operation/records.js";
import { parseImageVersionId } from "../../src/resource-id.js";
import { bodyOf, HOME, VERSION } from "./requests.js";
import type { Act } from "./steps.js";
import type { Task, World } from "./world.js";

export const ID = (() => {
  const id = parseImageVersionId(VERSION);
  if (id === undefined) throw new TypeError(`${VERSION} is no version's id`);
  return id;
})();

export const CALLER = {
  requestedBy: { appId: "build-system", objectId: "object" },
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

type Put = Extract<Act, { kind: "put" }>;
type Answer = OperationRecord | ServiceError | undefined;

/** A PUT that others run beside. */
export function putTask(
  world: World,
  { asked, allowRegionRemoval, idempotencyKey }: Put,
): { task: Task; answer: () => Answer } {
  let answer: Answer;
  return {
    answer: () => answer,
    task: {
      name: "put",
      command: { kind: "CreateImageVersion", asked, allowRegionRemoval },
      async run(deps: Dependencies) {
        try {
          answer = await putImageVersion(deps, {
            id: ID,
            body: bodyOf(asked),
            ...CALLER,
            allowRegionRemoval,
            ...(idempotencyKey !== null && { idempotencyKey }),
          });
          answered(world, answer);
        } catch (error) {
          if (error instanceof ServiceError) answer = error;
          throw error;
        }
      },
    },
  };
}

/** Whoever is answered an operation can rely on its being stored. */
export function answered(world: World, { id }: OperationRecord): void {
  world.log(`answered ${id.slice(33)}`);
  if (!world.ledger.knows(id))
    world.breach(1, `${id} was answered and not stored`);
}

/** A PUT that nothing runs beside: the oracle knows the answer. */
export function judgedPut(world: World, act: Put): Task {
  const { task, answer } = putTask(world, act);
  const { asked, allowRegionRemoval, idempotencyKey } = act;
  const before = world.ledger.accepted.length;
  const running = world.running();
  const doing = world.ledger.doing(asked);
  const achieved = world.ledger.achieved();
  const requests = world.ledger.life().flatMap((each) => each.asked ?? []);
  return {
    ...task,
    ended(error) {
      const got = answer();
      // A failure of what Sigil depends on, or a repeated key, is another matter.
      if (got === undefined || idempotencyKey !== null) return;
      if (got instanceof ServiceError && got.retryable) return;
      const code = got instanceof ServiceError ? got.code : undefined;
      const isNew = world.ledger.accepted.length > before;
      const expect = (holds: boolean, text: string): void => {
        if (!holds)
          world.breach(
            2,
            `${text}, not ${code ?? `the ${isNew ? "new" : "old"} operation ${(got as OperationRecord).id.slice(33)}`} (${String(error)})`,
          );
      };
      if (code !== undefined && isNew)
        expect(false, "nothing is stored for it");
      if (doing !== undefined)
        return expect(
          code === undefined && (got as OperationRecord).id === doing.id,
          `it is operation ${doing.id.slice(33)}`,
        );
      if (asked.regions[HOME] === undefined)
        return expect(code === "InvalidRequest", "it is refused");
      if (running)
        return expect(
          code === "ImageVersionConflict" ||
            isNew ||
            // What others take away under their own confirmation, this one must confirm as well.
            (code === "RegionRemovalNotConfirmed" && !allowRegionRemoval),
          "it conflicts or is done together",
        );
      const lost = Object.keys(achieved?.regions ?? {}).filter(
        (region) => asked.regions[region] === undefined,
      );
      if (lost.length > 0 && !allowRegionRemoval)
        return expect(
          code === "RegionRemovalNotConfirmed" ||
            code === "ImageVersionConflict",
          `it leaves out ${lost.join(", ")}`,
        );
      const harmless = [...requests, asked].every(
        (each) =>
          each.otherKeys.length === 0 &&
          Object.keys(each.regions).every(
            (region) => asked.regions[region] !== undefined,
          ),
      );
      if (harmless) expect(isNew, "it is accepted");
    },
  };
}

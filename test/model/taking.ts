/** Does one step, and judges what its caller is answered. */
import { ServiceError } from "../../src/errors.js";
import {
  demoteImageVersion,
  promoteImageVersion,
  retryImageVersion,
} from "../../src/image-version/commands/by-hand.js";
import { deleteImageVersion } from "../../src/image-version/commands/delete.js";
import {
  patchImageVersion,
  putImageVersion,
  type PutAnswer,
} from "../../src/image-version/commands/put.js";
import type { Dependencies } from "../../src/image-version/ports.js";
import { rollBackImage } from "../../src/image-version/rollback/roll-back.js";
import { cancelOperation } from "../../src/operation/canceling.js";
import type { OperationRecord } from "../../src/operation/records.js";
import {
  imageIdOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../../src/resource-id.js";
import { runRetention } from "../../src/retention/run-retention.js";
import { delivery, poison, reconciliation, redelivery } from "./deliveries.js";
import { factsOf, same, type Facts } from "./facts.js";
import { isOpen, type Accepted, type Command } from "./ledger.js";
import { changeBy, factsIn, patchOf } from "./outsiders.js";
import { readList, readVersion } from "./reading.js";
import { bodyOf, VERSIONS } from "./requests.js";
import type { Act, Step } from "./steps.js";
import { policiesIn, type Task, type World } from "./world.js";

const CALLER = {
  requestedBy: { name: "model" },
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

/** Of every id, left out of the trace. */
const PREFIX = /\/subscriptions\/[^"]*\/images\//gu;

export async function take(world: World, step: Step): Promise<void> {
  world.log(`-- ${JSON.stringify(step).replaceAll(PREFIX, "")}`);
  switch (step.kind) {
    case "race": {
      const tasks = step.acts.flatMap((each) => taskOf(world, each));
      return world.run(tasks, step.schedule);
    }
    case "fail":
      world.failNext(step.failure);
      return world.run(taskOf(world, step.act));
    case "fault":
      return world.way.fault(step.fault, step.calls);
    case "topic full":
      return world.topic.refuse(step.publications);
    case "behind":
      return world.arm.lagNext(step.version);
    case "policy":
      for (const name of Object.keys(step.addTags))
        world.policyTags.add(`tag/${name}`);
      return world.arm.control.setPolicy({ addTags: step.addTags });
    case "retentionPolicy": {
      const { image: imageId, keepNewestPromoted } = step;
      world.policies.set(imageId, {
        policy: {
          imageId,
          rules: { keepNewestPromoted },
          mode: "delete",
          setBy: CALLER.requestedBy,
          setTime: new Date(world.clock.now()).toISOString(),
        },
        etag: String(keepNewestPromoted),
      });
      return;
    }
    case "stop":
      return world.arm.stop(step.region, step.how, step.atProgress);
    case "wait":
      world.clock.advance(step.seconds * 1_000);
      return;
    case "poison": {
      const id = chosen(world.ledger.accepted, step.which)?.id;
      if (id === undefined) return;
      world.poisoned.add(id);
      return world.run([poison(id)]);
    }
    case "bury":
      return world.queues.bury(step.which);
    case "work":
      return work(world, step.rounds);
    case "put": {
      const [task] = taskOf(world, step);
      return task === undefined
        ? undefined
        : world.run([judged(world, step, task)]);
    }
    default:
      return world.run(taskOf(world, step));
  }
}

/** Delivers what is due, or moves on to what is due next. */
export async function work(world: World, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const due = world.queues.due();
    const nextMs = world.queues.nextMs();
    if (due.length > 0)
      for (const message of due)
        await world.run([delivery(world.queues, message)]);
    else if (nextMs === undefined) return;
    else world.clock.advance(nextMs - world.clock.now());
  }
}

function idOf(version: string): ImageVersionId {
  const id = parseImageVersionId(version);
  if (id === undefined) throw new TypeError(`${version} is no version's id`);
  return id;
}

/** Whoever is answered an operation can rely on its being stored. */
function answered(world: World, { id }: OperationRecord): void {
  world.log(`answered ${id.slice(33)}`);
  if (world.operation(id) === undefined)
    world.breach(1, `${id} was answered and not stored`);
}

function call(
  world: World,
  command: Command,
  run: (deps: Dependencies) => Promise<OperationRecord>,
): Task {
  return {
    name: command.kind,
    command,
    run: async (deps) => answered(world, await run(deps)),
  };
}

function taskOf(world: World, act: Act): Task[] {
  switch (act.kind) {
    case "put":
      return [put(world, act)];
    case "patch": {
      const command = {
        ...CALLER,
        id: idOf(act.version),
        patch: patchOf(act.edit),
        validate: () => [],
        removeRegions: act.removeRegions,
      };
      return [
        {
          name: "patch",
          command: {
            kind: "UpdateImageVersion",
            edits: factsIn(act.edit),
            removeRegions: act.removeRegions,
          },
          async run(deps) {
            const answer = await patchImageVersion(deps, command);
            if (answer.kind === "accepted") answered(world, answer.operation);
          },
        },
      ];
    }
    case "promote":
    case "demote":
    case "retry":
    case "delete": {
      const [kind, run] = BY_HAND[act.kind];
      return [
        call(world, { kind }, (deps) =>
          run(deps, { id: idOf(act.version), ...CALLER }),
        ),
      ];
    }
    case "get":
      return [readVersion(world, act.version)];
    case "list":
      return [readList(world, act.image)];
    case "rollback": {
      const { to } = act;
      const { versionName: _, ...image } = idOf(`${act.image}/versions/0.0.0`);
      return [
        {
          name: "rollback",
          run: async (deps) =>
            answered(
              world,
              await rollBackImage(deps, {
                image,
                ...(to !== null && { to }),
                ...CALLER,
              }),
            ),
        },
      ];
    }
    case "retention":
      return [retention(world)];
    case "cancel": {
      // The last is the likeliest to run.
      const accepted = chosen(
        [...world.ledger.accepted].reverse(),
        act.which >> 1,
      );
      if (accepted === undefined) return [];
      const { id } = accepted;
      return [
        {
          name: `cancel of ${id.slice(33)}`,
          async run(deps) {
            accepted.canceled = true;
            const { status, canceledBy } = await cancelOperation(
              deps,
              id,
              CALLER.requestedBy,
            );
            if (
              status !== "Canceled" &&
              !(isOpen({ status }) && canceledBy !== undefined)
            )
              world.breach(1, `cancel of ${id} answered ${status}`);
          },
        },
      ];
    }
    case "deliver": {
      const nextMs = world.queues.nextMs();
      if (nextMs !== undefined && nextMs > world.clock.now())
        world.clock.advance(nextMs - world.clock.now());
      const message = chosen(world.queues.due(), act.which);
      return message === undefined ? [] : [delivery(world.queues, message)];
    }
    case "redeliver": {
      const message = chosen(world.queues.completed(), act.which * 5);
      return message === undefined ? [] : [redelivery(message)];
    }
    case "outside":
      return [
        {
          name: `others ${act.outside.does}`,
          run: () => changeBy(world.arm, act.version, act.outside),
        },
      ];
    case "reconcile":
      return [reconciliation];
  }
}

const BY_HAND = {
  promote: ["PromoteImageVersion", promoteImageVersion],
  demote: ["DemoteImageVersion", demoteImageVersion],
  retry: ["RetryImageVersion", retryImageVersion],
  delete: ["DeleteImageVersion", deleteImageVersion],
} as const;

type Put = Extract<Act, { kind: "put" }>;

interface PutTask extends Task {
  /** What its caller got. */
  got?: PutAnswer | ServiceError;
}

function put(world: World, act: Put): PutTask {
  const body = bodyOf(act.asked);
  const seen =
    act.condition === "seen" ? world.etags.get(act.version) : undefined;
  const removeRegions = removedBy(act);
  const task: PutTask = {
    name: "put",
    command: {
      kind: "UpdateImageVersion",
      body,
      removeRegions,
      ifMatch: seen !== undefined,
    },
    async run(deps) {
      try {
        task.got = await putImageVersion(deps, {
          ...CALLER,
          id: idOf(act.version),
          body,
          removeRegions,
          ...(seen && { ifMatch: seen.etag }),
          ...(act.condition === "none" && { ifNoneMatch: "*" as const }),
          ...(act.idempotencyKey !== null && {
            idempotencyKey: act.idempotencyKey,
          }),
        });
      } catch (error) {
        if (error instanceof ServiceError) task.got = error;
        throw error;
      }
      if (task.got.kind === "unchanged") return;
      const { operation } = task.got;
      answered(world, operation);
      const accepted = world.ledger.find(operation.id);
      if (
        seen !== undefined &&
        accepted?.body === body &&
        // The look of its acceptance may be older than what Sigil has written, and the ETag has.
        [accepted.shown, world.arm.truth(act.version)?.facts].every(
          (facts) => !same(onceDone(facts, seen), onceDone(seen.facts, seen)),
        )
      )
        world.breach(5, `${operation.id} was accepted by an ETag that is past`);
    },
  };
  return task;
}

/** What was asked already is no news, whether it is there by now or not. */
function onceDone(
  facts: Facts | undefined,
  { asked }: { readonly asked: readonly Pick<Accepted, "wishes">[] },
): Record<string, string | undefined> | undefined {
  return (
    facts && {
      ...facts,
      ...Object.fromEntries(
        asked.flatMap(({ wishes }) =>
          [...wishes].map(([fact, { value }]) => [fact, value]),
        ),
      ),
    }
  );
}

function removedBy({ asked, removeRegions }: Put): readonly string[] {
  return removeRegions.filter((name) => asked.regions[name] === undefined);
}

/** Nothing runs on the version, and nothing fails: the oracle knows what a PUT is answered. */
function judged(world: World, act: Put, task: PutTask): Task {
  const { version, condition, idempotencyKey } = act;
  const { ledger, arm } = world;
  const before = ledger.accepted.length;
  const quiet =
    idempotencyKey === null &&
    (condition !== "seen" || !world.etags.has(version)) &&
    ledger.open(version).length === 0 &&
    world.way.isCalm();
  const truth = arm.truth(version);
  const life = arm.life(version);
  const past = ledger.accepted.filter((each) => each.version === version);
  const managed = ledger.isManaged(version, life);
  return {
    ...task,
    ended() {
      const { got } = task;
      if (got === undefined || !quiet) return;
      const look = world.azure.looksAt(version).at(-1);
      if (look?.current === false) return;
      const code =
        got instanceof ServiceError
          ? got.code
          : got.kind === "unchanged"
            ? got.kind
            : ledger.accepted.length > before
              ? "accepted"
              : "earlier";
      const expect = (...codes: readonly string[]): void => {
        if (!codes.includes(code))
          world.breach(4, `the answer is ${codes.join(" or ")}, not ${code}`);
      };
      const none = condition === "none";
      if (truth === undefined) {
        if (past.length === 0) return expect("accepted");
        const last = past.at(-1);
        if (last?.kind === "DeleteImageVersion" && last.status === "Succeeded")
          return expect(none ? "accepted" : "ImageVersionGone");
        // Azure has taken a creation that no look has shown yet: others may have deleted it, or it may be there.
        const unseen = world.azure
          .looksAt(version)
          .every(({ facts }) => facts === undefined);
        // Of one that was made minutes ago the answer may be older: the request is to be sent again.
        return none
          ? expect(
              "accepted",
              "StateConflict",
              ...(unseen ? ["PreconditionFailed"] : []),
            )
          : undefined;
      }
      if (none) return expect("PreconditionFailed");
      const asked = Object.entries(factsOf(bodyOf(act.asked)));
      const otherwise = asked.filter(
        ([fact, value]) => truth.facts[fact] !== value,
      );
      const otherKeys = otherwise.some(
        ([fact]) =>
          fact.startsWith("keys/") && (truth.facts[fact] ?? "") !== "",
      );
      if (otherKeys)
        return expect(
          "ImageVersionConflict",
          ...(past.length === 0 ? ["accepted"] : []),
        );
      if (past.length === 0 && removedBy(act).length === 0)
        expect(
          ...(otherwise.length === 0
            ? ["accepted"]
            : ["accepted", "ImageVersionConflict"]),
        );
      if (managed && last(past)) expect("accepted", "unchanged", "earlier");
    },
  };
}

/** A request of this life has achieved all that was asked. */
function last(past: World["ledger"]["accepted"]): boolean {
  return past.every(({ status }) => status === "Succeeded");
}

function retention(world: World): Task {
  return {
    name: "retention",
    async run(deps) {
      const { deletions, errors } = await runRetention(
        { policies: policiesIn(world), imageVersions: deps },
        CALLER.traceparent,
      );
      for (const error of errors)
        if (!(error instanceof ServiceError || error instanceof Error))
          throw error;
      for (const id of deletions) judgeDeletion(world, id);
    },
  };
}

/** What retention deletes was made by Sigil or adopted, and another is the latest. */
function judgeDeletion(world: World, operationId: string): void {
  const { ledger, arm } = world;
  const version = ledger.find(operationId)?.version ?? "";
  if (!ledger.isManaged(version, arm.life(version)))
    world.breach(2, `retention deletes ${version}, which is others'`);
  const image = imageIdOf(idOf(version));
  const higher = VERSIONS.filter(
    (other) => other.startsWith(`${image}/`) && other > version,
  ).map((other) => arm.truth(other));
  const shown = world.azure.looksAt(version).at(-1);
  if (
    shown?.current !== false &&
    !higher.some((other) => other?.facts["excluded"] === "false")
  )
    world.breach(2, `retention deletes ${version}, which is the latest`);
}

function chosen<T>(list: readonly T[], which: number): T | undefined {
  return list[which % Math.max(1, list.length)];
}

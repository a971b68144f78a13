/** A plan says what the PUT of the same body then does: refused exactly where a finding is an error, with the same warnings. */
import { describe, expect, test } from "vitest";
import { planImageVersion } from "../../../../src/image-version/commands/plan.js";
import type { PutImageVersion } from "../../../../src/image-version/commands/put.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { ServiceError, type Finding } from "../../../../src/errors.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOwnWorld } from "../../../support/own-world.js";
import {
  byHand,
  ended,
  isExcluded,
  made,
  outside,
  pass,
  patch,
  plain,
  put,
  seen,
  shownIn,
  showAs,
} from "./support.js";

let world: InProcess;
let id: string;
inOwnWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const TWO = [{ name: "westus" }, { name: "eastus2" }];
const OUT = { excludeFromLatest: true };
const codesOf = (findings: readonly Finding[], severity: string) =>
  findings
    .filter((one) => one.severity === severity)
    .map(({ code }) => code)
    .sort();

/** Plans a body and sends it; expects that both agree. */
async function agreed(body: ImageVersionRequest, more: Partial<PutImageVersion> = {}) {
  const planned = await planImageVersion(world.deps, {
    id: idOf(id),
    body: structuredClone(body),
    ...more,
  });
  const errors = codesOf(planned.findings, "error");
  const warnings = codesOf(planned.findings, "warning");
  let operation: OperationRecord | undefined;
  try {
    const answer = await put(world, id, body, more);
    expect(errors).toEqual([]);
    if (answer.kind === "accepted") {
      operation = answer.operation;
      expect(codesOf(operation.warnings ?? [], "warning")).toEqual(warnings);
    }
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    expect({ code: error.code, errors }).not.toMatchObject({ errors: [] });
  }
  const changes = planned.changes.map(({ pointer }) => pointer);
  return { planned, errors, warnings, changes, operation };
}

describe("beside an operation", () => {
  test("what GET shows, sent back unedited, asks nothing", async () => {
    await made(world, id, plain(TWO, { tags: { a: "1" } }));
    const read = (await seen(world, id)) as unknown as ImageVersionRequest;
    await patch(world, id, { tags: { a: "2" } });
    const { errors, changes } = await agreed(structuredClone(read), {
      pasted: true,
    });
    expect([errors, changes]).toEqual([[], []]);
  });

  test("that is followed by a deletion it names the deletion", async () => {
    await made(world, id, plain(TWO));
    await patch(world, id, { tags: { a: "2" } });
    const deletion = await byHand.remove(world, id);
    const { planned } = await agreed(plain(TWO, { tags: { b: "1" } }));
    expect(planned.findings).toContainEqual(
      expect.objectContaining({
        code: "ImageVersionRequestedOtherwise",
        message: expect.stringContaining(deletion.id) as string,
      }),
    );
  });

  test.each([{}, { ifMatch: "*" }])(
    "a body that says otherwise than it asks is refused (%j)",
    async (more) => {
      await made(world, id, plain(TWO, { tags: { a: "1" } }));
      await patch(world, id, { tags: { a: "2" } });
      const body = plain(TWO, { tags: { a: "1", b: "2" } });
      const { errors } = await agreed(body, more);
      expect(errors).toHaveLength(1);
    },
  );
});

describe("of a version that others have deleted", () => {
  const body = () =>
    plain(TWO, {
      publishing: { ...OUT, endOfLifeDate: "2090-01-01T00:00:00Z" },
    });
  const deleted = async () => {
    await made(world, id, body());
    await outside(world, "DELETE", id);
    await pass(world, 300_000);
  };

  test("it says that the number was another's", async () => {
    await deleted();
    const { errors } = await agreed(body());
    expect(errors).toEqual(["ImageVersionGone"]);
  });

  test("with If-None-Match: * it shows all that is sent", async () => {
    await deleted();
    const { planned, errors, operation } = await agreed(body(), {
      ifNoneMatch: "*",
    });
    expect(errors).toEqual([]);
    expect(planned.request?.body).toMatchObject({
      properties: { publishingProfile: OUT },
    });
    await ended(world, operation ? [operation] : []);
    expect(await isExcluded(world, id)).toBe(true);
  });
});

test("who is no Admin does not take a protection off", async () => {
  await made(world, id, plain(TWO, { sigil: { protected: true } }));
  const body = plain(TWO, { sigil: { protected: false } });
  expect((await agreed(body)).errors).toEqual(["ProtectionKept"]);
  const { errors } = await agreed(body, { mayUnprotect: true });
  expect(errors).toEqual([]);
});

test("it goes by what was seen last, where a look is behind", async () => {
  await made(world, id, plain(TWO, { publishing: OUT }));
  await pass(world, 1_800_000);
  const before = await shownIn(world, id);
  await ended(world, [await byHand.promote(world, id)]);
  await pass(world, 20_000);
  showAs(world, id, before, { times: 3 });
  const { warnings } = await agreed(plain(TWO, { publishing: OUT, tags: { b: "2" } }));
  expect(warnings).toEqual(["StaysIncluded"]);
});

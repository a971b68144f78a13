import { expect, test } from "vitest";
import { ProblemError } from "@sigil/client";
import { readTagged } from "../../../src/page/src/retry.js";
import { paceOf, type Summary } from "../../../src/page/src/summaries.js";

test("reads again when the answer says so, also of an answer that nothing has changed", async () => {
  const answer = (seconds: string) => new Headers({ ETag: "1", "Retry-After": seconds });
  const summary = await readTagged<Summary["body"]>(undefined, () =>
    Promise.resolve({ headers: answer("17"), body: { complete: true } as Summary["body"] }),
  );
  expect(paceOf(summary)).toBe(17_000);
  const same = await readTagged(summary, (header) =>
    Promise.reject(new ProblemError(304, {}, answer(header["If-None-Match"] === "1" ? "42" : "1"))),
  );
  expect(same).toBe(summary);
  expect(paceOf(same)).toBe(42_000);
});

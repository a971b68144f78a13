/** Why a version waits or fails, in words. */
import { describe, expect, test } from "vitest";
import { reconcile } from "../../../../src/image-version/state/reconcile.js";
import { at, time } from "../../../support/transitions.js";
import {
  EAST,
  recordWith,
  asking,
  decided,
  sent,
  writesOf,
} from "./decided.js";

describe("why it waits, or fails, in words", () => {
  const LONG_AGO = time(0);

  test("an old look, and a doubt", () => {
    const lastAttempt = sent({ "/tags/a": "1" }, { sentTime: time(990) });
    const old = asking({}, { lastAttempt, writes: writesOf(lastAttempt) });
    expect(decided(old)).toMatchObject({
      why: "Azure Resource Manager does not show the last write yet.",
    });
    const lost = asking(
      { "/tags/a": "1" },
      { lastAttempt: sent({ "/tags/a": "1" }, { sentTime: LONG_AGO }) },
    );
    expect(decided(lost)).toMatchObject({
      why: "Azure does not show the version as it was sent: the next poll decides.",
    });
  });

  test("a version that is gone", () => {
    expect(
      reconcile(recordWith({ consecutiveNotFound: 10 }), undefined, at(1_000)),
    ).toMatchObject({
      kind: "failed",
      failure: {
        code: "ImageVersionGone",
        message:
          "Azure does not have the version: it was deleted, or never created. Where its gallery has soft delete, restore it with POST …/restore; else create it with its PUT and the header If-None-Match: *.",
      },
    });
  });

  test.each([
    [["1"], /^The version in Azure differs from the request in 1 place, and/u],
    [
      ["1", "2"],
      /^The version in Azure differs from the request in 2 places, and/u,
    ],
  ] as const)("keys that the region lacks: %s", (luns, message) => {
    const changes = Object.fromEntries(
      luns.map((lun) => [
        `${EAST}/encryption/dataDiskImages/${lun}/diskEncryptionSetId`,
        "/subscriptions/s/set",
      ]),
    );
    const record = asking(changes, {
      lastAttempt: sent(changes, { sentTime: LONG_AGO }),
      doubt: { what: "never", since: LONG_AGO },
    });
    expect(decided(record)).toMatchObject({
      failure: { message: expect.stringMatching(message) as string },
    });
  });

  test.each([
    ["a removal", { "/tags/a": null }, { "/tags/a": "1" }, "RemovalIgnored"],
    [
      "a removal and a change",
      { "/tags/a": null, "/tags/b": "1" },
      { "/tags/a": "1" },
      "OverriddenByAzure",
    ],
  ] as const)("%s that was sent three times: %s", (_, changes, shown, code) => {
    const record = asking(changes, {
      lastAttempt: sent(changes, { sentTime: LONG_AGO }),
      rewrites: 2,
      doubt: { what: "ignored", since: LONG_AGO },
    });
    expect(decided(record, "Succeeded", shown)).toMatchObject({
      failure: {
        code,
        message: expect.stringMatching(
          /though it was sent 3 times\./u,
        ) as string,
      },
    });
  });
});

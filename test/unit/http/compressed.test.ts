import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { compressed } from "../../../src/http/compressed.js";

const LONG = JSON.stringify(Array(2_000).fill("/subscriptions/0/x"));

test.each(["gzip", "deflate, gzip;q=0.5, br", "GZIP ; q=1"])(
  "a long answer is zipped for who takes %s",
  (accepted) => {
    const { body, headers } = compressed(LONG, accepted, "Origin");
    expect(headers).toEqual({
      "Content-Encoding": "gzip",
      Vary: "Origin, Accept-Encoding",
    });
    expect(gunzipSync(body as Buffer).toString()).toBe(LONG);
  },
);

test.each([null, "", "identity", "gzip;q=0", "gzip; q=0.000", "xgzip"])(
  "and not for who takes %s",
  (accepted) => {
    expect(compressed(LONG, accepted, undefined)).toEqual({
      body: LONG,
      headers: { Vary: "Accept-Encoding" },
    });
  },
);

test.each(["{}", undefined])("what is short is not zipped: %s", (text) => {
  expect(compressed(text, "gzip", "Origin")).toEqual({
    body: text,
    headers: {},
  });
});

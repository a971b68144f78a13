import { expect, test } from "vitest";
import { putImageVersion } from "../../../src/image-version/put-image-version.js";
import { keyOf } from "../../../src/resource-id.js";
import { createWorld } from "../../fuzz/world.js";
import { commandOf } from "../../support/dependencies.js";
import { refusal } from "../../support/refusal.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";

test("fifty requests wait at the most: the next comes again later", async () => {
  const { imageVersions } = createWorld().deps;
  const id = seedVersionId("1.0.0");
  const ask = (n: number): Promise<{ readonly id: string }> =>
    putImageVersion(
      imageVersions,
      commandOf(id, {
        ...managedImageRequest(),
        ...(n > 0 && { tags: { [`tag${n}`]: "yes" } }),
      }),
    );
  const ids = new Set<string>();
  for (let n = 0; n <= 50; n += 1) ids.add((await ask(n)).id);
  expect(ids.size).toBe(51);
  expect(await refusal(ask(51))).toMatchObject({
    code: "StateConflict",
    message: `50 requests for ${id} wait for operation ${keyOf(id)}-1 to end, as many as can. Send the request again later.`,
    retryAfterMs: 60_000,
  });
  // What waits already is no further one.
  expect(ids).toContain((await ask(50)).id);
});

import type { VersionNumbers } from "../../../src/image-version/ports.js";
import { highestVersionNumber, nextVersionNumber } from "../../../src/version-numbers.js";
import { keyOf } from "../../../src/resource-id.js";

export function createMemoryVersionNumbers(): VersionNumbers {
  /** By image definition. */
  const lasts = new Map<string, string>();
  /** By image definition and request. */
  const given = new Map<string, string>();
  const nameOf = (imageId: string, requestKey: string): string => `${keyOf(imageId)}/${requestKey}`;
  return {
    read(imageId, requestKey) {
      const last = lasts.get(keyOf(imageId));
      const bound = requestKey === undefined ? undefined : given.get(nameOf(imageId, requestKey));
      return Promise.resolve({
        ...(last !== undefined && { last }),
        ...(bound !== undefined && { bound }),
      });
    },
    // async: that no number is left is a rejection
    async allocate(imageId, { requestKey, above, increment, instead }) {
      const bound = given.get(nameOf(imageId, requestKey));
      if (bound !== undefined && bound !== instead) return await Promise.resolve(bound);
      const number = nextVersionNumber(
        highestVersionNumber([lasts.get(keyOf(imageId)), above]),
        increment,
      );
      lasts.set(keyOf(imageId), number);
      given.set(nameOf(imageId, requestKey), number);
      return number;
    },
  };
}

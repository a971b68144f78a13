import { notSeenOf } from "../../../keys/judge.js";
import { notSeenWords } from "../../../keys/version-keys.js";
import { seenKeys } from "../key-problems.js";
import type { Breach, GatheredRule } from "../rule.js";

export const keySeen: GatheredRule = {
  name: "key-seen",
  code: "KeyNotSeen",
  severity: "warning",
  basis: {
    own: "Sigil never calls an unseen key well, but a missing permission stops nothing.",
  },
  summary:
    "Sigil's identity can see the key of every disk encryption set in use; if not, the finding has the key guardian's last look.",
  check: (subject) =>
    seenKeys(subject).flatMap(({ reference: { pointer }, set: { id }, sight }): Breach[] => {
      const { key, vault, newest } = sight;
      const last = subject.gathered.keys?.lastKnown.get(id.toLowerCase());
      return notSeenOf(key, vault, newest).map((one) => {
        const { message, remediation } = notSeenWords(id, one, last);
        return { pointer, message, remediation };
      });
    }),
};

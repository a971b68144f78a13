/** What a proof right before a write leaves in the record and in the answers. Pure. */
import type { Finding } from "../../errors.js";
import { withOperations } from "../../operation/advance.js";
import { changed, type ImageVersionPair, type Proven } from "./record.js";

/** What was proven stands beside what is known of the version's other sets, and what is worth a warning in these operations' answers. */
export function withProof(
  pair: ImageVersionPair,
  ids: readonly string[],
  proven: Partial<Proven> | undefined,
): ImageVersionPair {
  if (proven === undefined) return pair;
  const { encryptionTypes, dataDiskLuns = [], warnings = [] } = proven;
  const { record } = pair;
  return withFindings(
    changed(pair, {
      encryptionTypes: { ...record.encryptionTypes, ...encryptionTypes },
      dataDiskLuns: record.dataDiskLuns.length > 0 ? record.dataDiskLuns : dataDiskLuns,
    }),
    ids,
    warnings,
  );
}

/** What is found right before it is sent is in the answer of each operation that asks it, once. */
export function withFindings(
  pair: ImageVersionPair,
  ids: readonly string[],
  findings: readonly Finding[],
): ImageVersionPair {
  return withOperations(pair, (one) => {
    const { warnings = [] } = one;
    const more = findings.filter(({ message }) => !warnings.some((had) => had.message === message));
    return ids.includes(one.id) && more.length > 0
      ? { ...one, warnings: [...warnings, ...more] }
      : one;
  });
}

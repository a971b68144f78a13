import { describe, expect, it } from "vitest";
import { accepted, at } from "../../../support/transitions.js";
import { withProof } from "../../../support/decisions.js";

const pair = accepted();
const { operation, record } = pair;
const warning = (message: string) => ({ code: "x", pointer: "", message });

describe("what a proof right before a write leaves", () => {
  const proven = {
    encryptionTypes: { b: "EncryptionAtRestWithCustomerKey" },
    dataDiskLuns: [1],
    warnings: [warning("second")],
  } as const;

  it("beside what is known of the version's other sets", () => {
    const known = {
      ...record,
      encryptionTypes: { a: "EncryptionAtRestWithPlatformKey" },
    } as const;
    expect(withProof({ ...pair, record: known }, [], proven, at(1)).record).toMatchObject({
      encryptionTypes: {
        a: "EncryptionAtRestWithPlatformKey",
        b: "EncryptionAtRestWithCustomerKey",
      },
      dataDiskLuns: [1],
    });
    expect(
      withProof({ ...pair, record: { ...known, dataDiskLuns: [0] } }, [], proven, at(1)).record
        .dataDiskLuns,
    ).toEqual([0]);
    expect(withProof(pair, [operation.id], {}, at(1))).toEqual(pair);
  });

  it("after the warnings of the acceptance, in the answers of those that ask it, once", () => {
    const warned = {
      ...pair,
      operation: { ...operation, warnings: [warning("first")] },
    };
    const once = withProof(warned, [operation.id], proven, at(1));
    expect(once.operation.warnings).toEqual([warning("first"), warning("second")]);
    expect(withProof(once, [operation.id], proven, at(1))).toEqual(once);
    expect(withProof(warned, [], proven, at(1)).operation).toEqual(warned.operation);
  });
});

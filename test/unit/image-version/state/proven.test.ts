import { describe, expect, it } from "vitest";
import {
  provenBeside,
  withWarnings,
} from "../../../../src/image-version/state/proven.js";
import { accepted } from "../../../support/transitions.js";

const { operation, record } = accepted();
const warning = (message: string) => ({ code: "x", pointer: "", message });

describe("what a proof right before a write leaves", () => {
  const proven = {
    record: {
      encryptionTypes: { b: "EncryptionAtRestWithCustomerKey" },
      dataDiskLuns: [1],
    },
    operation: { warnings: [warning("second")] },
  } as const;

  it("beside what is known of the version's other sets", () => {
    const known = {
      ...record,
      encryptionTypes: { a: "EncryptionAtRestWithPlatformKey" },
    } as const;
    expect(provenBeside(known, proven)).toEqual({
      encryptionTypes: {
        a: "EncryptionAtRestWithPlatformKey",
        b: "EncryptionAtRestWithCustomerKey",
      },
      dataDiskLuns: [1],
    });
    expect(
      provenBeside({ ...known, dataDiskLuns: [0] }, proven).dataDiskLuns,
    ).toEqual([0]);
    expect(provenBeside(known, undefined)).toEqual({});
  });

  it("after the warnings of the acceptance", () => {
    const warned = { ...operation, warnings: [warning("first")] };
    expect(withWarnings(warned, proven)).toEqual({
      warnings: [warning("first"), warning("second")],
    });
    expect(withWarnings(operation, { ...proven, operation: {} })).toEqual({});
  });
});

import { expect, it } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import { told as tell } from "../../../../src/image-version/telling/tell.js";
import { at, beside, changeOf, replicating, toldOf } from "../../../support/transitions.js";

it("a region that fails is told by each operation that has it, and else by the leading one", () => {
  const uksouth = { [`${regionField("uksouth")}/name`]: "uksouth" };
  const pair = beside(replicating(), changeOf(uksouth));
  const failed = (name: string) => {
    const region = { name, state: "Failed", progress: 0, attempts: 1 } as const;
    return toldOf(
      tell(pair, { record: pair.record, happened: [{ kind: "regionFailed", region }] }, at(9)),
    );
  };
  expect(failed("uksouth")).toEqual(["2/uksouth/failed/1"]);
  expect(failed("westus")).toEqual(["1/westus/failed/1"]);
  expect(failed("japaneast")).toEqual(["1/japaneast/failed/1"]);
});

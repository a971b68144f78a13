import type { Context } from "../command.js";
import type { Option } from "../options.js";

export const ALLOW_NO_LATEST: Option = {
  names: ["--allow-no-latest"],
  kind: "flag",
  help: "Continue even if it leaves a region without a latest version.",
};

export function allowNoLatest({ values }: Context): { allowNoLatest?: true } {
  return values.boolean("--allow-no-latest") === true ? { allowNoLatest: true } : {};
}

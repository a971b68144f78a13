import type { Option } from "./options.js";
import { FORMATS } from "./output.js";

/** What every command takes. */
export const GLOBAL_OPTIONS: readonly Option[] = [
  {
    names: ["--output", "-o"],
    choices: FORMATS,
    help: `How to print the answer: ${FORMATS.join(", ")}.`,
    group: "Global",
  },
  {
    names: ["--query"],
    help: "What of the answer to print, as JMESPath (https://jmespath.org).",
    group: "Global",
  },
  {
    names: ["--subscription"],
    help: "The subscription's id, or a name that az knows. Default: SIGIL_SUBSCRIPTION, AZURE_SUBSCRIPTION_ID, what sigil configure has, az's own default.",
    group: "Global",
  },
  {
    names: ["--endpoint"],
    help: "Where Sigil is. Default: SIGIL_ENDPOINT, or what sigil configure has.",
    group: "Global",
  },
  {
    names: ["--only-show-errors"],
    kind: "flag",
    help: "Say nothing on stderr but errors.",
    group: "Global",
  },
  {
    names: ["--verbose", "--debug"],
    kind: "flag",
    help: "Say on stderr what is requested, and show the stack of an unforeseen error.",
    group: "Global",
  },
  {
    names: ["--help", "-h"],
    kind: "flag",
    help: "Show this.",
    group: "Global",
  },
];

import type { Option } from "./options.js";
import { FORMATS } from "./output.js";

/** The options of every command. */
export const GLOBAL_OPTIONS: readonly Option[] = [
  {
    names: ["--output", "-o"],
    choices: FORMATS,
    help: `Output format: ${FORMATS.join(", ")}.`,
    group: "Global",
  },
  {
    names: ["--query"],
    help: "JMESPath query string. See https://jmespath.org.",
    group: "Global",
  },
  {
    names: ["--subscription"],
    help: "ID of the subscription, or a name that az knows. Default: SIGIL_SUBSCRIPTION, AZURE_SUBSCRIPTION_ID, the value of sigil configure, or the default subscription of az.",
    group: "Global",
  },
  {
    names: ["--endpoint"],
    help: "URL of the Sigil service. Default: SIGIL_ENDPOINT, or the value of sigil configure.",
    group: "Global",
  },
  {
    names: ["--only-show-errors"],
    kind: "flag",
    help: "Only show errors, suppressing warnings.",
    group: "Global",
  },
  {
    names: ["--verbose", "--debug"],
    kind: "flag",
    help: "Print each request to stderr, and the stack trace of an unexpected error.",
    group: "Global",
  },
  {
    names: ["--help", "-h"],
    kind: "flag",
    help: "Show this help.",
    group: "Global",
  },
];

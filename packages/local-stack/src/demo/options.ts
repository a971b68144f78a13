import { parseOptions, UsageError } from "@sigil-local/command-line";

const STANDARD_TIMEOUT_SECONDS = 55;

export const USAGE = `Usage: npm run demo [-- options]

Shows Sigil at work, only on this machine: starts the functions and a stand-in for each Azure service on free ports,
sends four requests, follows them, checks that the outcome is right, and leaves nothing behind.

  1.0.0  a managed image to westus x2 and eastus2, each disk with its region's own key; by HTTP
  1.0.1  OS and data disk snapshots to the same regions; a message from a build system
  1.0.2  the same snapshots, but eastus is given the keys of eastus2: refused before anything is created
  1.0.3  the first again, kept out of latest until a machine has started in each region

  --json        print each event as a line of JSON on stdout, and everything else on stderr
  --open        leave everything running to look at in the page, until Ctrl-C
  --timeout S   give up after S seconds (default ${STANDARD_TIMEOUT_SECONDS})
  --help        this text

Services that the environment names are not used: the demo touches nothing outside itself.
Replication is simulated: it takes seconds here, and often 40 minutes in Azure.

Exit codes: 0 all went as it should, 1 it did not (the reason is on stderr), 2 bad option, 130 stopped by Ctrl-C.`;

export interface DemoOptions {
  readonly help: boolean;
  readonly json: boolean;
  readonly open: boolean;
  readonly timeoutSeconds: number;
}

/** Reads the command line; throws UsageError. */
export function readOptions(args: readonly string[]): DemoOptions {
  const values = parseOptions(args, {
    json: { type: "boolean", default: false },
    open: { type: "boolean", default: false },
    timeout: { type: "string", default: String(STANDARD_TIMEOUT_SECONDS) },
    help: { type: "boolean", default: false },
  });
  const timeoutSeconds = Number(values.timeout);
  if (!(timeoutSeconds > 0 && timeoutSeconds <= 86_400))
    throw new UsageError(`--timeout must be a number of seconds, not "${values.timeout}".`);
  return {
    help: values.help,
    json: values.json,
    open: values.open,
    timeoutSeconds,
  };
}

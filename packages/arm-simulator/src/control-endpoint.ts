import type { ArmAnswer } from "./arm-request.js";
import { checkArgument, describeControls, isControl } from "./control-table.js";
import type { SimulatorControl } from "./control.js";
import { parseJson } from "./http-messages.js";

/**
 * `POST /simulator/<control>` with its argument as JSON; answers `{"result": …}`, and 400 with what is right.
 * `GET /simulator` describes every control, `GET /simulator/world` gives the world that `--world` takes. No page in a browser may
 * do either: what it sends has an `Origin`.
 */
export async function answerControl(
  control: SimulatorControl,
  method: string,
  path: string,
  raw: string,
  origin?: string,
): Promise<ArmAnswer> {
  if (origin !== undefined) return refuse(403, "A request with an Origin header is refused.");
  const name = path.replace(/^\/simulator\/?/u, "");
  if (name === "" && method === "GET")
    return { status: 200, body: { controls: describeControls() } };
  if (name === "world" && method === "GET") return { status: 200, body: control.world() };
  if (!isControl(name))
    return refuse(404, `No such control '${name}'. There are: ${Object.keys(control).join(", ")}.`);
  if (method !== "POST") return refuse(405, "Use POST.");
  const argument = raw === "" ? undefined : parseJson(raw);
  if (raw !== "" && argument === undefined)
    return refuse(400, `The argument of ${name} must be JSON.`);
  const calls: Record<string, (argument: never) => unknown> = { ...control };
  const call = calls[name] as ((argument: unknown) => unknown) | undefined;
  try {
    checkArgument(name, argument);
    return { status: 200, body: { result: (await call?.(argument)) ?? null } };
  } catch (error) {
    return refuse(400, (error as Error).message);
  }
}

function refuse(status: number, message: string): ArmAnswer {
  return { status, body: { error: { code: "SimulatorControl", message } } };
}

import type { ArmAnswer } from "./arm-request.js";
import type { SimulatorControl } from "./control.js";
import { FAULT_ACTIONS } from "./faults.js";
import { isObject } from "./json-shape.js";

/** `POST /simulator/<method>` with the method's argument as JSON; answers `{"result": …}`. `GET /simulator` lists the methods. */
export async function answerControl(
  control: SimulatorControl,
  method: string,
  path: string,
  body: unknown,
): Promise<ArmAnswer> {
  const names = Object.keys(control);
  const name = path.replace(/^\/simulator\/?/, "");
  if (name === "" && method === "GET")
    return { status: 200, body: { methods: names } };
  if (!names.includes(name))
    return refuse(
      404,
      `No such method '${name}'. There are: ${names.join(", ")}.`,
    );
  if (method !== "POST") return refuse(405, "Use POST.");
  if (name === "addFault") {
    const mistake = mistakeInFault(body);
    if (mistake !== undefined) return refuse(400, mistake);
  }
  const methods: Record<string, (argument: never) => unknown> = { ...control };
  const call = methods[name] as ((argument: unknown) => unknown) | undefined;
  try {
    return { status: 200, body: { result: (await call?.(body)) ?? null } };
  } catch (error) {
    return refuse(400, (error as Error).message);
  }
}

const FAULT_MEMBERS = [
  "method",
  "path",
  "afterMatches",
  "times",
  "action",
  "status",
  "headers",
  "body",
];

function mistakeInFault(body: unknown): string | undefined {
  if (!isObject(body)) return "A fault is a JSON object.";
  const stranger = Object.keys(body).find(
    (key) => !FAULT_MEMBERS.includes(key),
  );
  if (stranger !== undefined)
    return `A fault has no member '${stranger}'. It has: ${FAULT_MEMBERS.join(", ")}.`;
  const { action, times, afterMatches, status } = body;
  if (action !== undefined && !FAULT_ACTIONS.some((known) => known === action))
    return `'action' must be one of ${FAULT_ACTIONS.join(", ")}.`;
  for (const [member, value] of Object.entries({ times, afterMatches, status }))
    if (value !== undefined && value !== null && !Number.isInteger(value))
      return `'${member}' must be an integer.`;
  return undefined;
}

function refuse(status: number, message: string): ArmAnswer {
  return { status, body: { error: { code: "SimulatorControl", message } } };
}

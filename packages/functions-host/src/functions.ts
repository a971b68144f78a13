import type { FunctionMetadata, RegisteredFunction } from "./core-module.js";
import type { HostConfiguration } from "./host-configuration.js";
import { type HttpFunction, readHttpFunction } from "./http-trigger.js";
import {
  type ServiceBusFunction,
  entityPath,
  readServiceBusFunction,
} from "./service-bus-function.js";
import type { Settings } from "./settings.js";
import { StartupError } from "./startup-error.js";
import { type TimerFunction, readTimerFunction } from "./timer-trigger.js";

/** A function as the ready line, the admin API and `FunctionsHost.functions` show it. */
export interface FunctionDescription {
  readonly name: string;
  readonly trigger: "http" | "serviceBus" | "timer";
  readonly disabled: boolean;
  /** HTTP: the path template, with a leading slash. */
  readonly route?: string;
  readonly methods?: readonly string[];
  /** Service Bus: `queue`, or `topic/Subscriptions/subscription`. */
  readonly entity?: string;
  /** Timer: NCRONTAB expression or time span. */
  readonly schedule?: string;
}

/** A registered function, read and resolved according to its trigger. */
export type TriggerFunction =
  | { readonly kind: "http"; readonly http: HttpFunction }
  | { readonly kind: "serviceBus"; readonly serviceBus: ServiceBusFunction }
  | { readonly kind: "timer"; readonly timer: TimerFunction };

function triggerType({ name, bindings }: FunctionMetadata): string {
  const trigger = Object.values(bindings).find(({ type }) => /trigger$/iu.test(type));
  const unsupported = Object.values(bindings).find(
    ({ type, direction }) =>
      !/trigger$/iu.test(type) && !(direction === "out" && /^(?:http|servicebus)$/iu.test(type)),
  );
  if (trigger === undefined) throw new StartupError(`function "${name}" has no trigger`);
  if (unsupported !== undefined)
    throw new StartupError(
      `function "${name}": the binding "${unsupported.type}" is not supported by the local host`,
    );
  return trigger.type.toLowerCase();
}

/** Reads a registered function; what the local host cannot run is a StartupError. */
export function readFunction(
  registered: RegisteredFunction,
  configuration: HostConfiguration,
  settings: Settings,
  nowMs: number,
): TriggerFunction {
  const type = triggerType(registered.metadata);
  switch (type) {
    case "httptrigger":
      return {
        kind: "http",
        http: readHttpFunction(registered, configuration.routePrefix),
      };
    case "servicebustrigger":
      return {
        kind: "serviceBus",
        serviceBus: readServiceBusFunction(registered, settings),
      };
    case "timertrigger":
      return {
        kind: "timer",
        timer: readTimerFunction(registered, settings, nowMs),
      };
    default:
      throw new StartupError(
        `function "${registered.metadata.name}": the trigger "${type}" is not supported by the local host ` +
          `(HTTP, Service Bus and timer are)`,
      );
  }
}

/** A function of the app, ready to be triggered. */
export interface AppFunction {
  readonly trigger: TriggerFunction;
  readonly disabled: boolean;
}

/** A function as the host lists it. */
export function describeFunction(
  name: string,
  { trigger, disabled }: AppFunction,
): FunctionDescription {
  switch (trigger.kind) {
    case "http": {
      const { route, methods } = trigger.http;
      return { name, trigger: "http", disabled, route: `/${route}`, methods };
    }
    case "serviceBus": {
      const entity = entityPath(trigger.serviceBus);
      return { name, trigger: "serviceBus", disabled, entity };
    }
    case "timer": {
      const schedule = trigger.timer.expression;
      return { name, trigger: "timer", disabled, schedule };
    }
  }
}

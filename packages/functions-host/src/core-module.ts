/**
 * `@azure/functions` asks for a module that exists on no registry: `require("@azure/functions-core")`. The official
 * Node.js worker answers it by wrapping `Module.prototype.require`, and so does this.
 *
 * Invariants
 * 1. The wrapper is installed once a process; every other `require` passes through untouched.
 * 2. A registration belongs to the registry that is being loaded; registries load one after another.
 * 3. Functions are registered during startup only, as the worker demands.
 * 4. `@azure/functions` sets its programming model once a process, so the model outlives a registry.
 */
import Module from "node:module";
import type { LogCategory, LogLevel } from "./logging.js";
import { StartupError } from "./startup-error.js";

export interface RpcTypedData {
  readonly string?: string;
  readonly json?: string;
  readonly bytes?: Uint8Array;
  readonly int?: number;
  readonly double?: number;
  readonly http?: RpcHttpData;
}

export interface RpcNullable<T> {
  readonly value?: T | null;
}

export interface RpcHttpCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: RpcNullable<string>;
  readonly path?: RpcNullable<string>;
  readonly expires?: RpcNullable<{ readonly seconds: number }>;
  readonly secure?: RpcNullable<boolean>;
  readonly httpOnly?: RpcNullable<boolean>;
  readonly sameSite?: "none" | "lax" | "strict" | "explicitNone";
  readonly maxAge?: RpcNullable<number>;
}

export interface RpcHttpData {
  readonly method?: string;
  readonly url?: string;
  readonly body?: RpcTypedData | null;
  readonly nullableHeaders?: Readonly<Record<string, RpcNullable<string>>>;
  readonly nullableParams?: Readonly<Record<string, RpcNullable<string>>>;
  readonly nullableQuery?: Readonly<Record<string, RpcNullable<string>>>;
  readonly statusCode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly RpcHttpCookie[];
}

export interface RpcParameterBinding {
  readonly name: string;
  readonly data: RpcTypedData;
}

export interface RpcTraceContext {
  readonly traceParent: string;
  readonly traceState: string;
  /** A map of the protocol: empty where nothing is in it. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface RpcInvocationRequest {
  readonly invocationId: string;
  readonly functionId: string;
  readonly inputData: readonly RpcParameterBinding[];
  readonly triggerMetadata: Readonly<Record<string, RpcTypedData>>;
  readonly traceContext: RpcTraceContext;
}

export interface RpcInvocationResponse {
  readonly outputData?: readonly RpcParameterBinding[] | null;
  readonly returnValue?: RpcTypedData | null;
}

/** A binding as the app declared it: `type` and `direction`, and what its kind needs (`route`, `queueName`, ...). */
export interface Binding {
  readonly type: string;
  readonly direction: "in" | "out";
  readonly [property: string]: unknown;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly functionId?: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly retryOptions?: unknown;
}

export type FunctionCallback = (...args: unknown[]) => unknown;

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: RpcInvocationRequest;
  readonly metadata: FunctionMetadata;
  state: "preInvocationHooks" | "invocation" | "postInvocationHooks" | undefined;
  log(level: LogLevel, category: LogCategory, message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<RpcInvocationResponse>;
}

export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel | Promise<InvocationModel>;
  getCapabilities?(worker: Record<string, string>): Promise<Record<string, string>>;
}

export const hookNames = [
  "appStart",
  "appTerminate",
  "preInvocation",
  "postInvocation",
  "log",
] as const;
export type HookName = (typeof hookNames)[number];
export type HookCallback = (context: object) => unknown;

interface Disposable {
  dispose(): void;
}

/** What one app has registered: its functions by name, its hooks in order, and the data its hooks share. */
export class Registry {
  readonly functions = new Map<string, RegisteredFunction>();
  readonly appHookData: Record<string, unknown> = {};
  readonly appOnlyHookData: Record<string, unknown> = {};
  readonly #hooks = new Map<HookName, HookCallback[]>();
  readonly #log: (level: LogLevel, message: string) => void;
  #startupFinished = false;

  constructor(log: (level: LogLevel, message: string) => void) {
    this.#log = log;
  }

  finishStartup(): void {
    this.#startupFinished = true;
  }

  registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
    const { name } = metadata;
    // Invariant 3.
    if (this.#startupFinished)
      throw new Error("A function can only be registered during app startup.");
    if (this.functions.has(name)) throw new StartupError(`two functions are named "${name}"`);
    this.functions.set(name, { metadata, callback });
    return {
      dispose: () => {
        if (this.#startupFinished)
          throw new Error("A function can only be disposed during app startup.");
        this.functions.delete(name);
      },
    };
  }

  registerHook(name: string, callback: HookCallback): Disposable {
    const known = hookNames.find((hookName) => hookName === name);
    if (known === undefined) throw new RangeError(`Unrecognized hook "${name}"`);
    this.#hooks.set(known, [...this.hooks(known), callback]);
    return {
      dispose: () => {
        this.#hooks.set(
          known,
          this.hooks(known).filter((hook) => hook !== callback),
        );
      },
    };
  }

  hooks(name: HookName): readonly HookCallback[] {
    return this.#hooks.get(name) ?? [];
  }

  async runHooks(name: HookName, context: object): Promise<void> {
    for (const hook of this.hooks(name)) await hook(context);
  }

  systemLog(level: LogLevel, message: string): void {
    this.#log(level, message);
  }
}

let programmingModel: ProgrammingModel | undefined;
let loading: Registry | undefined;
let queue: Promise<unknown> = Promise.resolve();
let installed = false;

function registry(): Registry {
  if (loading === undefined) throw new Error("No function app has been loaded.");
  return loading;
}

const coreApi = {
  version: "3.12.0",
  hostVersion: "4.1041.0",
  setProgrammingModel: (model: ProgrammingModel): void => {
    programmingModel = model;
  },
  getProgrammingModel: () => programmingModel,
  registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) =>
    registry().registerFunction(metadata, callback),
  registerHook: (name: string, callback: HookCallback) => registry().registerHook(name, callback),
  log: (level: LogLevel, _category: LogCategory, message: string): void =>
    registry().systemLog(level, message),
};

function install(): void {
  if (installed) return;
  installed = true;
  const prototype = Module.prototype as unknown as {
    require: (id: string) => unknown;
  };
  prototype.require = new Proxy(prototype.require, {
    apply: (target, self, args: [string]): unknown =>
      args[0] === "@azure/functions-core" ? coreApi : Reflect.apply(target, self, args),
  });
}

/**
 * Runs `load`, during which every registration goes to `target`, and returns the programming model in force after it.
 */
export async function loadInto(
  target: Registry,
  load: () => Promise<void>,
): Promise<ProgrammingModel | undefined> {
  install();
  // Invariant 2.
  const run = queue.then(async () => {
    loading = target;
    await load();
    return programmingModel;
  });
  queue = run.catch(() => undefined);
  return run;
}

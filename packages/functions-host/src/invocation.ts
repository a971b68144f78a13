/**
 * One call of one function, in the worker's order: the model's context and arguments, pre-invocation hooks, the handler,
 * post-invocation hooks, the model's response.
 *
 * Invariants
 * 1. An invocation ends once: by its result, its error, or functionTimeout. A handler that goes on after its timeout
 *    cannot be stopped (the official host kills its worker process instead); what it does later is ignored.
 * 2. A failing hook fails the invocation, and the outcome is what the post-invocation hooks leave of it.
 * 3. Each invocation is logged as executing and as executed, with its error if it failed.
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "@sigil-local/clock";
import type {
  CoreInvocationContext,
  InvocationModel,
  ProgrammingModel,
  RegisteredFunction,
  Registry,
  RpcInvocationRequest,
  RpcInvocationResponse,
} from "./core-module.js";
import type { LogCategory, LogLevel, Logger } from "./logging.js";
import { describeError } from "./startup-error.js";

/** Thrown to the trigger when functionTimeout has passed. */
export class FunctionTimeoutError extends Error {
  override readonly name = "FunctionTimeoutError";
}

export type InvocationInput = Pick<
  RpcInvocationRequest,
  "inputData" | "triggerMetadata" | "traceContext"
> & {
  /** Why it runs, as the host's log says it: "New ServiceBus message detected on 'q'." */
  readonly reason: string;
};

export type Invoke = (
  registered: RegisteredFunction,
  input: InvocationInput,
) => Promise<RpcInvocationResponse>;

export interface InvokerOptions {
  readonly registry: Registry;
  readonly model: ProgrammingModel;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Undefined: unlimited. */
  readonly functionTimeoutMs: number | undefined;
}

interface Scope {
  readonly hookData: Record<string, unknown>;
  invocationContext: unknown;
}

/** Builds the function that runs invocations. */
export function createInvoker(options: InvokerOptions): Invoke {
  const { registry, model, logger, clock, functionTimeoutMs } = options;

  const logFor =
    (name: string, invocationId: string, scope: Scope) =>
    (level: LogLevel, category: LogCategory, message: string): void => {
      const hookContext = {
        hookData: scope.hookData,
        appHookData: registry.appHookData,
        invocationContext: scope.invocationContext,
        level,
        category,
        message,
      };
      // Log hooks are synchronous: they may change the level and the message of this very entry.
      for (const hook of registry.hooks("log")) hook(hookContext);
      logger.log(
        hookContext.level,
        category === "user" ? `Function.${name}.User` : `Function.${name}`,
        hookContext.message,
        invocationId,
      );
    };

  const run = async (
    { metadata, callback }: RegisteredFunction,
    context: CoreInvocationContext,
    scope: Scope,
  ): Promise<RpcInvocationResponse> => {
    const invocation: InvocationModel = await model.getInvocationModel(context);
    const { context: invocationContext, inputs } = await invocation.getArguments();
    scope.invocationContext = invocationContext;
    const shared = {
      hookData: scope.hookData,
      appHookData: registry.appHookData,
      invocationContext,
    };
    const runHooks = async (
      name: "preInvocation" | "postInvocation",
      hookContext: object,
    ): Promise<void> => {
      context.state = `${name}Hooks`;
      try {
        await registry.runHooks(name, hookContext); // Invariant 2.
      } finally {
        context.state = undefined;
      }
    };

    const before = { ...shared, inputs, functionCallback: callback };
    await runHooks("preInvocation", before);
    const after = {
      ...shared,
      inputs: before.inputs,
      result: null as unknown,
      error: null as unknown,
    };
    context.state = "invocation";
    try {
      after.result = await invocation.invokeFunction(
        invocationContext,
        before.inputs,
        before.functionCallback,
      );
    } catch (error) {
      after.error = error ?? new Error(`${metadata.name} threw nothing`);
    } finally {
      context.state = undefined;
    }
    await runHooks("postInvocation", after);
    if (after.error !== null && after.error !== undefined) throw asError(after.error);
    return invocation.getResponse(invocationContext, after.result);
  };

  return async (registered, input) => {
    const { metadata } = registered;
    const invocationId = randomUUID();
    const category = `Function.${metadata.name}`;
    const scope: Scope = { hookData: {}, invocationContext: undefined };
    const context: CoreInvocationContext = {
      invocationId,
      request: {
        invocationId,
        functionId: metadata.functionId ?? metadata.name,
        inputData: input.inputData,
        triggerMetadata: input.triggerMetadata,
        traceContext: input.traceContext,
      },
      metadata,
      state: undefined,
      log: logFor(metadata.name, invocationId, scope),
    };
    const say = (level: LogLevel, message: string): void =>
      logger.log(level, category, message, invocationId);
    const startMs = clock.now();
    // Invariant 3.
    say(
      "information",
      `Executing 'Functions.${metadata.name}' (Reason='${input.reason}', Id=${invocationId})`,
    );
    const ended = (outcome: string): string =>
      `Executed 'Functions.${metadata.name}' (${outcome}, Id=${invocationId}, Duration=${clock.now() - startMs}ms)`;
    try {
      const response = await withTimeout(
        run(registered, context, scope),
        metadata.name,
        functionTimeoutMs,
        clock,
      );
      say("information", ended("Succeeded"));
      return response;
    } catch (error) {
      const stack = error instanceof Error ? (error.stack ?? error.message) : "";
      say("error", `${ended("Failed")} ${stack || describeError(error)}`);
      throw error;
    }
  };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(describeError(thrown));
}

/** Invariant 1. */
function withTimeout<T>(
  running: Promise<T>,
  name: string,
  timeoutMs: number | undefined,
  clock: Clock,
): Promise<T> {
  if (timeoutMs === undefined) return running;
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.at(clock.now() + timeoutMs, () =>
      reject(
        new FunctionTimeoutError(
          `Timeout value of ${timeoutMs} ms was exceeded by function: Functions.${name}`,
        ),
      ),
    );
    running.then(resolve, reject).finally(cancel);
  });
}

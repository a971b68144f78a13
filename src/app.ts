/** The composition root: builds each part once, from the edges inwards. */
import { readFileSync } from "node:fs";
import { createAdapters, createCredential } from "./azure/adapters.js";
import { toDisplay } from "./azure/arm/flows.js";
import type { Config } from "./config/config.js";
import { createAuthenticator } from "./authorization/authentication.js";
import { requireMayUse, requireMayWrite } from "./authorization/gallery-policy.js";
import { batchCommands } from "./http/batch-commands.js";
import { createHttpHandlers } from "./http/handlers.js";
import type { SignInSettings } from "./http/page-handlers.js";
import { routesOf, type HttpRoute } from "./http/routes.js";
import { loadOpenApiDocument } from "./http/contract/openapi-document.js";
import type { WORK_QUEUES } from "./azure/service-bus/namespace.js";
import { createRateLimiter } from "./authorization/rate-limit.js";
import { createValidator } from "./http/contract/validation.js";
import { takeBatchStep } from "./batch/take-batch-step.js";
import { putImageVersion, versionSteps } from "./image-version/index.js";
import { KINDS, type SteppingKind } from "./kinds.js";
import { captureMaker } from "./capture/leftovers.js";
import { testMaker } from "./machine-test/leftovers.js";
import { takeTestStep } from "./machine-test/take-test-step.js";
import { takeStep, type Steps } from "./operation/dispatch.js";
import { checkStore } from "./operation/health.js";
import { failPoisoned } from "./operation/poison.js";
import type { StepMessage } from "./operation/steps.js";
import { queueFunction, type QueueFunction } from "./messaging/queue-function.js";
import { createRequestHandler } from "./messaging/request-handler.js";
import { createStepHandler } from "./messaging/step-handler.js";
import { noteKeys } from "./key-guardian/note.js";
import { createFreezes } from "./gate/freezes.js";
import { createObjections } from "./objections.js";
import { takeRevocationStep } from "./revocation/take-revocation-step.js";
import { tellParentRevoked } from "./revocation/tell-parent-revoked.js";
import { hindrancesOf } from "./rollout/hindrance.js";
import { unproven } from "./rollout/unproven.js";
import { expectResult, moveOn, takeAndMoveOn } from "./rollout/move-on.js";
import { takePreparationStep } from "./subscription/preparation.js";
import { reportTestResult } from "./test-results/report.js";
import type { Telemetry } from "./telemetry/export.js";
import { startTelemetry } from "./telemetry/start.js";
import { createTimers, type Timers } from "./timers.js";

/** What the functions register. */
export interface App {
  readonly http: readonly HttpRoute[];
  readonly requests: QueueFunction;
  readonly creations: QueueFunction;
  readonly replications: QueueFunction;
  readonly preparations: QueueFunction;
  readonly machineTests: QueueFunction;
  readonly timers: Timers;
  readonly telemetry: Telemetry;
}

/** A sender of messages is trusted because it may send to this queue. */
const REQUESTS_QUEUE = { queue: "image-version-requests" } as const;

/** How far the clocks of the issuer and this host may differ. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** `built` is the folder of the build: the contracts as JSON, the files of the pages. */
export async function createApp(
  config: Config,
  built: URL,
  now: () => Date = () => new Date(),
): Promise<App> {
  const credential = createCredential(config);
  const telemetry = await startTelemetry(config.telemetry, credential);
  const { metrics } = telemetry;
  const {
    imageVersions: stored,
    imageVersionSteps,
    preparations,
    operations: tracked,
    ageing,
    messenger,
    calls,
    revocations,
    batches,
    ...rest
  } = createAdapters(config, credential, metrics, KINDS, now);
  const gates = config.galleryPolicy?.gates ?? [];
  const freezes = createFreezes(rest.freezes, now);
  const objections = createObjections(() => ({
    gates,
    freezes,
    revocations,
    rollout,
    retention,
  }));
  const hears = {
    tellOthers: (one: Parameters<typeof tellParentRevoked>[1]) =>
      tellParentRevoked(revocation, one),
  };
  const operations = { ...tracked, ...hears };
  const { keyGuardian: guarded } = stored;
  const noting = guarded && { noteKeys: noteKeys.bind(undefined, { ...stored, ...guarded }) };
  const imageVersions = {
    ...stored,
    ...noting,
    ...hears,
    objections,
    hindrancesOf: hindrancesOf.bind(undefined, rest.machineTests),
  };
  const revocation = { imageVersions, revocations };
  const retention = { policies: rest.policies, imageVersions, revocations };
  const rollout = {
    imageVersions,
    machineTests: { ...rest.machineTests, objections },
    results: rest.testResults.results,
  };
  const captures = captureMaker(imageVersions, rest.temporary);
  const steps = { ...imageVersionSteps, ...noting, ...hears, objections };
  const told = {
    beforeResult: expectResult.bind(undefined, rollout),
    onResult: moveOn.bind(undefined, rollout),
  };
  const machineTests = { ...rollout.machineTests, ...told };
  const testResults = { ...rest.testResults, ...told };
  const document = loadOpenApiDocument(new URL("openapi/openapi.json", built));
  const validator = createValidator(document);
  const authenticator = createAuthenticator({
    issuers: config.tokenIssuers,
    audience: config.tokenAudience,
    tenants: config.tokenTenants,
    scopesAssign: config.scopesAssignRoles,
    clockToleranceSeconds: CLOCK_TOLERANCE_SECONDS,
    now,
  });
  const commands = batchCommands(revocation, validator, config.galleryPolicy);
  const batch = {
    operations: { ...operations, store: batches },
    commands: {
      // Each child stores the calls of its own command.
      plan: (...asked: Parameters<typeof commands.plan>) =>
        calls.during(() => commands.plan(...asked)),
      begin: (...asked: Parameters<typeof commands.begin>) =>
        calls.during(() => commands.begin(...asked)),
    },
    unproven: unproven.bind(undefined, rollout),
  };
  const take = (message: StepMessage): Promise<void> =>
    takeAndMoveOn(rollout, operations.events, (events) =>
      takeStep(
        { ...operations, events },
        {
          ...versionSteps({ ...steps, events }),
          RevokeImageVersion: takeRevocationStep.bind(undefined, revocation),
          TestImageVersion: takeTestStep.bind(undefined, { ...machineTests, events }),
          PrepareSubscription: takePreparationStep.bind(undefined, preparations),
          RunBatch: takeBatchStep.bind(undefined, batch),
        } satisfies Record<SteppingKind, Steps[string]>,
        message,
      ),
    );
  const stepFunction = (queue: (typeof WORK_QUEUES)[number]): QueueFunction =>
    queueFunction(
      queue,
      createStepHandler({
        takeStep: (message) => calls.during(() => take(message)),
        failPoisoned: failPoisoned.bind(undefined, operations),
        postpone: (message) => messenger.postpone(queue, message),
        maxDeliveryCount: config.maxDeliveryCount,
        now,
      }),
    );
  const handlers = createHttpHandlers(
    {
      document,
      validator,
      authenticator,
      rateLimiter: createRateLimiter({
        callsPerMinute: config.rateLimitPerMinute,
        now,
      }),
      galleryPolicy: config.galleryPolicy,
      corsOrigins: config.corsOrigins,
      toDisplay,
      onRejected: (code) => metrics.rejected(code, "http"),
    },
    {
      imageVersions,
      preparations,
      operations,
      retention,
      revocation,
      testProfiles: rest.testProfiles,
      machineTests,
      testResults,
      rollout,
      gates,
      freezes,
      rejected: rest.rejected,
      batch,
    },
    [
      { name: "tables", check: () => checkStore(operations) },
      { name: "service-bus", check: (signal) => messenger.check(signal) },
      {
        name: "receivers",
        check: (signal) => messenger.checkReceivers(signal),
      },
    ],
    JSON.parse(readFileSync(new URL("openapi/asyncapi.json", built), "utf8")) as object,
    built,
    signInOf(config),
  );
  return {
    http: routesOf(document, handlers),
    requests: queueFunction(
      REQUESTS_QUEUE.queue,
      createRequestHandler({
        putImageVersion: async (command) => {
          const { galleryPolicy } = config;
          requireMayWrite(galleryPolicy, REQUESTS_QUEUE, command.id);
          return putImageVersion(imageVersions, {
            ...command,
            requireMayUse: (resources) =>
              requireMayUse(galleryPolicy, REQUESTS_QUEUE, command.id, resources),
          });
        },
        validateBody: (body) => validator.validateBody("putImageVersion", body),
        reportTestResult: async (command) => {
          requireMayWrite(config.galleryPolicy, REQUESTS_QUEUE, command.id);
          return reportTestResult(testResults, command);
        },
        validateTestResult: (body) => validator.validateBody("reportTestResult", body),
        events: operations.events,
        keepRejected: (request) => messenger.keepRejected(request),
        postpone: (request) => messenger.postpone(REQUESTS_QUEUE.queue, request),
        maxDeliveryCount: config.maxDeliveryCount,
        eventSource: config.eventSource,
        now,
      }),
    ),
    creations: stepFunction("image-version-creations"),
    replications: stepFunction("image-version-replications"),
    preparations: stepFunction("subscription-preparations"),
    machineTests: stepFunction("machine-tests"),
    timers: createTimers(
      {
        operations,
        ageing,
        imageVersions,
        leftovers: { ...operations, makers: [testMaker(rest.machineTests), captures] },
        rollout,
        retention,
        deadLetters: {
          deadLetters: rest.deadLetters,
          events: operations.events,
          eventSource: config.eventSource,
          retentionMs: config.deadLetterRetentionMs,
          now,
        },
        metrics,
        now,
      },
      config,
    ),
    telemetry,
  };
}

/** Undefined: no client is set, and the page shows how to set it up. */
function signInOf(config: Config): SignInSettings | undefined {
  const [issuer = ""] = config.tokenIssuers;
  const [audience = ""] = config.tokenAudience;
  const { uiClientId: clientId } = config;
  if (clientId === undefined) return undefined;
  return {
    issuer,
    authority: config.uiAuthority ?? issuer,
    clientId,
    scope: config.uiScope ?? `${audience}/.default`,
    scopesAssign: config.scopesAssignRoles,
  };
}

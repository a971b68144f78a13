/** The composition root: reads the configuration and builds each part once, from the edges inwards. */
import { fileURLToPath } from "node:url";
import type { InvocationContext } from "@azure/functions";
import { createAdapters } from "./azure/adapters.js";
import { readConfig, type Config } from "./config.js";
import { loadAsyncApiDocument } from "./http/asyncapi-document.js";
import { createAuthenticator } from "./http/authentication.js";
import { requireMayWrite } from "./http/gallery-policy.js";
import { createHttpHandlers, type HttpHandlers } from "./http/handlers.js";
import { loadOpenApiDocument } from "./http/openapi-document.js";
import { createRateLimiter } from "./http/rate-limit.js";
import { createValidator } from "./http/validation.js";
import { putImageVersion } from "./image-version/put-image-version.js";
import { takeCreationStep } from "./image-version/creation.js";
import { failPoisoned } from "./operation/poison.js";
import { reconcile } from "./operation/reconcile.js";
import { takeReplicationStep } from "./image-version/replication.js";
import { createRequestHandler } from "./messaging/request-handler.js";
import { createStepHandler } from "./messaging/step-handler.js";
import { takePreparationStep } from "./subscription/preparation.js";

type QueueHandler = (
  message: unknown,
  context: InvocationContext,
) => Promise<void>;

/** What the functions register. */
export interface App {
  readonly http: HttpHandlers;
  readonly requests: QueueHandler;
  readonly creations: QueueHandler;
  readonly replications: QueueHandler;
  readonly preparations: QueueHandler;
  readonly reconcile: (context: InvocationContext) => Promise<void>;
  readonly reconcileSchedule: string;
}

/** A message is trusted as far as the right to send to its queue. */
const REQUESTS_QUEUE = { queue: "image-version-requests" };

/** How far the clocks of the issuer and of this host may be apart. */
const CLOCK_TOLERANCE_SECONDS = 60;

export function createApp(
  config: Config,
  openApiFile: string,
  asyncApiFile: string,
  now: () => Date = () => new Date(),
): App {
  const { imageVersions, preparations, operations, messenger } = createAdapters(
    config,
    now,
  );
  const document = loadOpenApiDocument(openApiFile);
  const validator = createValidator(document);
  const authenticator = createAuthenticator({
    issuers: config.tokenIssuers,
    audience: config.tokenAudience,
    tenants: config.tokenTenants,
    clockToleranceSeconds: CLOCK_TOLERANCE_SECONDS,
    now,
  });
  const steps = {
    failPoisoned: failPoisoned.bind(undefined, operations),
    maxDeliveryCount: config.maxDeliveryCount,
  };
  return {
    http: createHttpHandlers(
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
      },
      { imageVersions, preparations, operations },
      [
        {
          name: "tables",
          check: async () => void (await operations.store.read("health")),
        },
        { name: "service-bus", check: () => messenger.check() },
      ],
      loadAsyncApiDocument(asyncApiFile, document.content),
    ),
    requests: createRequestHandler({
      putImageVersion: async (command) => {
        requireMayWrite(config.galleryPolicy, REQUESTS_QUEUE, command.id);
        return putImageVersion(imageVersions, command);
      },
      validateBody: (body) => validator.validateBody("putImageVersion", body),
      events: messenger,
      keepRejected: (request) => messenger.keepRejected(request),
      eventSource: config.eventSource,
      now,
    }),
    creations: createStepHandler({
      ...steps,
      takeStep: (message) => takeCreationStep(imageVersions, message),
    }),
    replications: createStepHandler({
      ...steps,
      takeStep: (message) => takeReplicationStep(imageVersions, message),
    }),
    preparations: createStepHandler({
      ...steps,
      takeStep: (message) => takePreparationStep(preparations, message),
    }),
    reconcile: async (context) => {
      const { errors, ...counts } = await reconcile(operations);
      context.info("reconciled", counts);
      for (const error of errors)
        context.error("an operation could not be looked after", error);
    },
    reconcileSchedule: config.reconcileSchedule,
  };
}

/** The app of this process. The documents lie beside `dist` in a deployment, and in the repository. */
export const app: App = createApp(
  readConfig(process.env),
  fileURLToPath(new URL("../../openapi/openapi.yaml", import.meta.url)),
  fileURLToPath(new URL("../../openapi/asyncapi.yaml", import.meta.url)),
);

import type { HttpHandler } from "@azure/functions";
import { writeTargetOf } from "../authorization/gallery-policy.js";
import { requireRole } from "../authorization/roles.js";
import { confirmBatch, createBatch, readBatch } from "../batch/create.js";
import type { BatchDependencies } from "../batch/ports.js";
import type { BatchCommand, BatchItem, BatchQuery } from "../batch/record.js";
import { itemsPage, viewItem } from "../batch/view.js";
import { ServiceError, type Finding } from "../errors.js";
import type { ImageVersionRequest } from "../image-version/index.js";
import type { Page } from "../operation/queries.js";
import { formatImageVersionId, imageIdOf, parseImageVersionId } from "../resource-id.js";
import { accepted, askedIn, requesterOf } from "./accepted.js";
import { TAKES_IF_MATCH } from "./batch-commands.js";
import type { OpenApiDocument } from "./contract/openapi-document.js";
import type { Validator } from "./contract/validation.js";
import type { Endpoint, EndpointRequest } from "./endpoint.js";
import { viewPage } from "./paging.js";

type Body = EndpointRequest<"createBatch">["body"];
type Item = Body["items"][number];

export function batchHandlers(
  endpoint: Endpoint,
  deps: Pick<BatchDependencies, "operations">,
  document: Pick<OpenApiDocument, "operation">,
  validator: Validator,
): Readonly<Record<"createBatch" | "confirmBatch" | "listBatchItems", HttpHandler>> {
  return {
    createBatch: endpoint("createBatch", async (request) => {
      const { body, principal = { roles: [] }, requireMayWrite, requestUrl } = request;
      const { command, atOnce = 10, onFailure = "stop", confirm, dryRun } = body;
      const query = queryIn(validator, command, body.query);
      const own = body.items.map((item) => item.query && queryIn(validator, command, item.query));
      refuseInvalid([
        ...query.findings,
        ...own.flatMap((one, index) => (one ? within(`/items/${index}`, one.findings) : [])),
        ...findingsOfBodies(body, document, validator),
        ...findingsOfCaptures(body),
        ...body.items.flatMap((item, index) => findingsOfItem(command, item, index)),
        ...findingsOfRepeats(body.items),
      ]);
      const items = body.items.map((item, index) => ({
        ...item,
        id: idOf(command, item.id) ?? item.id,
        ...(own[index] && { query: own[index].values }),
      }));
      for (const { values } of [query, ...own.filter((one) => one !== undefined)])
        if (values["ignoreUse"] === true || values["bypassSoftDelete"] === true)
          requireRole(principal, "ImageVersions.Admin");
      requireMayWriteAll(items, requireMayWrite);
      const operation = await createBatch(deps, {
        ...askedIn(request),
        ...{ command, items, atOnce, onFailure, caller: principal },
        query: query.values,
        ...(body.body !== undefined && { body: body.body }),
        ...(confirm === true && { confirm }),
        ...(dryRun === true && { dryRun }),
      });
      return accepted(deps.operations, operation, requestUrl);
    }),

    confirmBatch: endpoint("confirmBatch", async (request) => {
      const { path, principal, requireMayWrite, requestUrl } = request;
      const { record } = await readBatch(deps, path.operationId);
      requireMayWriteAll(record.items, requireMayWrite);
      const operation = await confirmBatch(deps, path.operationId, requesterOf(principal));
      return accepted(deps.operations, operation, requestUrl);
    }),

    listBatchItems: endpoint("listBatchItems", async (request) => {
      const { record } = await readBatch(deps, request.path.operationId);
      const { state, top = 20 } = request.query;
      return {
        status: 200 as const,
        body: await viewPage<Page<BatchItem>, ReturnType<typeof viewItem>>(
          request,
          (token) => Promise.resolve(itemsPage(record.items, state, top, token)),
          viewItem,
        ),
      };
    }),
  };
}

/** Query parameters by the command's own schemas. */
function queryIn(validator: Validator, command: BatchCommand, query: Body["query"] = {}) {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) text.set(name, String(value));
  const { values, findings } = validator.validateQuery(command, text);
  return { values: { ...values } as BatchQuery, findings };
}

function within(pointer: string, findings: readonly Finding[]): readonly Finding[] {
  return findings.map((one) => ({ ...one, pointer: `${pointer}${one.pointer}` }));
}

/** A machine that an earlier stage captured may be gone, or changed, when a later one begins. */
function findingsOfCaptures({ body: common, items }: Body): readonly Finding[] {
  return items.flatMap(({ body = common, stage = 0 }, index): readonly Finding[] => {
    const { sigil } = (body ?? {}) as Partial<ImageVersionRequest>;
    const pointer = `/items/${index}/body/sigil/capture`;
    const message =
      "Only stage 0 can capture a machine. Make the snapshots once, and name them as the source of each item.";
    return stage > 0 && sigil?.capture !== undefined
      ? [{ code: "CaptureInLaterStage", pointer, message }]
      : [];
  });
}

function refuseInvalid(findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  throw new ServiceError(
    "InvalidRequest",
    `${findings.length === 1 ? "1 error was" : `${findings.length} errors were`} found in the request.`,
    { findings },
  );
}

/** Every error in the batch's body and in those of its items, by the command's own schema. */
function findingsOfBodies(
  { command, body: common, items }: Body,
  document: Pick<OpenApiDocument, "operation">,
  validator: Validator,
): readonly Finding[] {
  const { bodySchema, body: takes } = document.operation(command);
  const errorsIn = (body: object, pointer: string): readonly Finding[] =>
    bodySchema === undefined
      ? [
          {
            code: "UnknownProperty",
            pointer,
            message: `${command} takes no body. Leave it out.`,
          },
        ]
      : within(pointer, validator.validateBody(command, body).findings);
  const isMissing = takes.required && common === undefined;
  return [
    ...(common === undefined ? [] : errorsIn(common, "/body")),
    ...items.flatMap(({ body }, index): readonly Finding[] => {
      const pointer = `/items/${index}/body`;
      if (body !== undefined) return errorsIn(body, pointer);
      const message = `${command} needs a body: set it here, or \`body\` for all items.`;
      return isMissing ? [{ code: "MissingProperty", pointer, message }] : [];
    }),
  ];
}

function findingsOfItem(
  command: BatchCommand,
  { id, ifMatch }: Item,
  index: number,
): readonly Finding[] {
  const pointer = `/items/${index}`;
  return [
    ...(idOf(command, id) === undefined
      ? [
          {
            code: "InvalidFormat",
            pointer: `${pointer}/id`,
            message: `Must be the resource id of an image ${command === "rollBackImage" ? "definition, without a version" : "version"}.`,
          },
        ]
      : []),
    ...(ifMatch !== undefined && !TAKES_IF_MATCH[command]
      ? [
          {
            code: "UnknownProperty",
            pointer: `${pointer}/ifMatch`,
            message: `${command} takes no ETag. Leave it out.`,
          },
        ]
      : []),
  ];
}

function findingsOfRepeats(items: readonly Item[]): readonly Finding[] {
  const first = new Map<string, number>();
  return items.flatMap(({ id }, index): readonly Finding[] => {
    const key = id.toLowerCase();
    const before = first.get(key);
    if (before === undefined) first.set(key, index);
    const message = `Item ${before} is the same one. Keep one of them.`;
    return before === undefined
      ? []
      : [{ code: "DuplicateItem", pointer: `/items/${index}/id`, message }];
  });
}

/** In one spelling; undefined: not an id that the command takes. */
function idOf(command: BatchCommand, id: string): string | undefined {
  const isImage = command === "rollBackImage";
  const version = parseImageVersionId(isImage ? `${id}/versions/0.0.0` : id);
  return version && (isImage ? imageIdOf(version) : formatImageVersionId(version));
}

/** Throws ServiceError Forbidden with a finding for each item that the caller may not change. */
function requireMayWriteAll(
  items: readonly Pick<Item, "id">[],
  requireMayWrite: EndpointRequest<"createBatch">["requireMayWrite"],
): void {
  const findings = items.flatMap(({ id }, index): readonly Finding[] => {
    try {
      requireMayWrite(writeTargetOf(id));
      return [];
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== "Forbidden") throw error;
      return [{ code: "Forbidden", pointer: `/items/${index}/id`, message: error.message }];
    }
  });
  if (findings.length > 0)
    throw new ServiceError(
      "Forbidden",
      `This caller may not change ${findings.length} of ${items.length} items; each is listed under errors.`,
      { findings },
    );
}

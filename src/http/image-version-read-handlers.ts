import type { HttpHandler } from "@azure/functions";
import {
  forecastImageVersion,
  getImageUse,
  getImageVersion,
  keysAgeWarnings,
  listDeletedImageVersions,
  listGalleries,
  listImageDefinitions,
  listImageVersions,
  noteSeen,
  openedKeys,
  readVersionsAgain,
  viewImageVersion,
  withKeys,
  type Dependencies,
  type KnownImageVersion,
  type WaitsOf,
} from "../image-version/index.js";
import { getMachineCommands } from "../machine-command/get-machine-commands.js";
import { galleryIdOf, imageIdOf } from "../resource-id.js";
import { banOf, bansOf, toMove } from "../revocation/bans.js";
import type { Revocations } from "../revocation/record.js";
import { shown } from "./accepted.js";
import type { Endpoint, EndpointRequest } from "./endpoint.js";
import { viewPage } from "./paging.js";

type Names =
  | "getImageVersion"
  | "armGetImageVersion"
  | "listImageVersions"
  | "armListImageVersions"
  | "listGalleries"
  | "listImages"
  | "listDeletedImageVersions"
  | "getMachineCommands"
  | "getImageUse"
  | "getForecast";

/**
 * Operations that also exist under Azure Resource Manager's path, whose own parameters are ignored.
 */
type Get = EndpointRequest<"getImageVersion" | "armGetImageVersion">;
type List = EndpointRequest<"listImageVersions" | "armListImageVersions">;

/** `waitsOf` returns what keeps a version out of latest. */
export function imageVersionReadHandlers(
  endpoint: Endpoint,
  deps: Dependencies,
  waitsOf: WaitsOf,
  revocations: Revocations,
): Readonly<Record<Names, HttpHandler>> {
  const get = async ({ path, query }: Get) => {
    const refresh =
      ("refresh" in query && query.refresh === true) || ("fresh" in query && query.fresh === true);
    const version = await getImageVersion(deps, path, refresh);
    await noteSeen(deps, path, version.record);
    const waits = await waitsOf(version);
    const revocation = await banOf(revocations, path);
    const looks = "expand" in query;
    const keys = await openedKeys(deps, imageIdOf(path), version, looks, refresh);
    const old = looks ? keysAgeWarnings(keys, deps) : [];
    const beside = { ...waits, ...(revocation && { revocation }), ...(keys && { keys }) };
    const answer = { ...version, warnings: [...version.warnings, ...old] };
    return shown(answer, deps.now(), beside, looks && keys !== undefined);
  };

  const list = async (request: List) => {
    const imageId = imageIdOf(request.path);
    const bans = await bansOf({ ...deps, revocations }, imageId);
    const records: KnownImageVersion["record"][] = [];
    const body = await viewPage(
      request,
      async (token) => {
        const top = request.query.top ?? 20;
        const page = await listImageVersions(deps, imageId, top, token);
        const value = await withKeys(deps, imageId, page.value);
        return { ...page, value };
      },
      ([version, keys]) => {
        records.push(version.record);
        const revocation = bans.get(version.id.versionName);
        return viewImageVersion(version, deps.now(), {
          ...(keys && { keys }),
          ...(revocation && { revocation }),
        });
      },
    );
    return {
      status: 200 as const,
      headers: { "Retry-After": readVersionsAgain(records, deps.now()) },
      body,
    };
  };

  return {
    getImageVersion: endpoint("getImageVersion", get),
    armGetImageVersion: endpoint("armGetImageVersion", get),
    listImageVersions: endpoint("listImageVersions", list),
    armListImageVersions: endpoint("armListImageVersions", list),
    listGalleries: endpoint("listGalleries", async (request) => {
      const { readAgain, ...body } = await viewPage(
        request,
        (token) => listGalleries(deps.looks, { ...listedIn(request, token), now: deps.now() }),
        (gallery) => gallery,
      );
      return { status: 200 as const, headers: { "Retry-After": readAgain }, body };
    }),
    listImages: endpoint("listImages", async (request) => {
      const { readAgain, ...body } = await viewPage(
        request,
        (token) =>
          listImageDefinitions(deps.looks, galleryIdOf(request.path), {
            ...listedIn(request, token),
            now: deps.now(),
          }),
        (definition) => definition,
      );
      return { status: 200 as const, headers: { "Retry-After": readAgain }, body };
    }),
    listDeletedImageVersions: endpoint("listDeletedImageVersions", async ({ path }) => ({
      status: 200 as const,
      body: { value: [...(await listDeletedImageVersions(deps, path))] },
    })),
    getMachineCommands: endpoint(
      "getMachineCommands",
      async ({ path, query: { region, resourceGroup, size, ...choice } }) => {
        const [commands, ban] = await Promise.all([
          getMachineCommands(deps, path, region, {
            ...choice,
            ...(resourceGroup !== undefined && {
              resourceGroupName: resourceGroup,
            }),
            ...(size !== undefined && { machineSize: size }),
          }),
          banOf(revocations, path),
        ]);
        return {
          status: 200 as const,
          body: {
            ...commands,
            warnings: [...toMove(ban), ...commands.warnings],
          },
        };
      },
    ),
    getImageUse: endpoint("getImageUse", async ({ path }) => {
      const [use, ban] = await Promise.all([getImageUse(deps, path), banOf(revocations, path)]);
      return {
        status: 200 as const,
        body: { ...use, warnings: [...toMove(ban), ...(use.warnings ?? [])] },
      };
    }),
    getForecast: endpoint("getForecast", async ({ path, query: { of } }) => ({
      status: 200 as const,
      body: await forecastImageVersion(deps, path, of),
    })),
  };
}

/** Browsers also send `no-cache` when a person forces a reload (RFC 9111, section 5.2.1.4). */
function listedIn(
  { query, headers }: EndpointRequest<"listGalleries" | "listImages">,
  continuationToken: string | undefined,
) {
  return {
    top: query.top ?? 20,
    continuationToken,
    anew: /\bno-cache\b/iu.test(headers["Cache-Control"] ?? ""),
  };
}

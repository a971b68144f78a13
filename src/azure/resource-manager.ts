import {
  ComputeManagementClient,
  type GalleryImageVersion,
} from "@azure/arm-compute";
import {
  createDefaultHttpClient,
  createPipelineRequest,
} from "@azure/core-rest-pipeline";
import type { TokenCredential } from "@azure/identity";
import type { ImageVersionRequest } from "../image-version/contract.js";
import type {
  DiskEncryptionSet,
  ImageSource,
  ObservedImageVersion,
  ResourceManager,
} from "../image-version/ports.js";
import type { EncryptionType, RegionState } from "../image-version/records.js";
import {
  canonicalRegion,
  parseResourceId,
  type ImageVersionId,
} from "../image-version/resource-id.js";
import {
  armErrorIn,
  toServiceError,
  toUnavailable,
  type ArmResponse,
} from "./arm-errors.js";

export interface ResourceManagerOptions {
  /** Such as `https://management.azure.com`; sovereign clouds have others. */
  readonly endpoint: string;
  /** Scope of the access token, such as `https://management.azure.com/.default`. */
  readonly scope: string;
  readonly credential: TokenCredential;
  /** After this long without an answer a call is given up. */
  readonly timeoutMs: number;
  readonly now: () => Date;
}

/** What each call of the SDK takes to hand over the answer as it came, before it is made into a model. */
interface CallOptions {
  readonly onResponse: (response: {
    status: number;
    headers: ArmResponse["headers"];
    parsedBody?: unknown;
  }) => void;
  readonly requestOptions: { readonly timeout: number };
  readonly abortSignal: AbortSignal;
}

type Client = ComputeManagementClient;

/** Azure Resource Manager by `@azure/arm-compute`, one request a call: pace and retries belong to the state machine. */
export function createResourceManager(
  options: ResourceManagerOptions,
): ResourceManager {
  const clients = new Map<string, Client>();
  const httpClient = createDefaultHttpClient();

  function clientFor(subscriptionId: string): Client {
    let client = clients.get(subscriptionId);
    if (client === undefined) {
      client = new ComputeManagementClient(options.credential, subscriptionId, {
        endpoint: options.endpoint,
        credentials: { scopes: [options.scope] },
        retryOptions: { maxRetries: 0 },
      });
      clients.set(subscriptionId, client);
    }
    return client;
  }

  async function send(
    what: string,
    call: (callOptions: CallOptions) => Promise<unknown>,
  ): Promise<ArmResponse> {
    let response: ArmResponse | undefined;
    try {
      await call({
        onResponse: ({ status, headers, parsedBody }) => {
          response = { status, headers, body: parsedBody };
        },
        requestOptions: { timeout: options.timeoutMs },
        abortSignal: AbortSignal.timeout(options.timeoutMs),
      });
    } catch (error) {
      if (response === undefined) throw toUnavailable(what, error);
    }
    if (response === undefined) throw toUnavailable(what, undefined);
    return response;
  }

  /** The body of a resource, or undefined for 404. */
  async function read(
    what: string,
    call: (callOptions: CallOptions) => Promise<unknown>,
  ): Promise<Wire | undefined> {
    const response = await send(what, call);
    if (response.status === 404) return undefined;
    if (response.status !== 200)
      throw toServiceError(what, response, options.now());
    return response.body as Wire;
  }

  return {
    async getImageVersion(id) {
      const body = await read(
        `the read of version ${id.versionName}`,
        (callOptions) =>
          clientFor(id.subscriptionId).galleryImageVersions.get(
            ...namesOf(id),
            {
              ...callOptions,
              expand: "ReplicationStatus",
            },
          ),
      );
      return body === undefined ? undefined : observed(body);
    },

    async putImageVersion(id, request) {
      const what = `the creation of version ${id.versionName}`;
      const response = await send(what, (callOptions) =>
        // The poller is not awaited: that would poll until the end, hours later. `submitted` is the PUT alone.
        clientFor(id.subscriptionId)
          .galleryImageVersions.createOrUpdate(
            ...namesOf(id),
            toModel(request),
            callOptions,
          )
          .submitted(),
      );
      if (response.status >= 300)
        throw toServiceError(what, response, options.now());
      return response.headers.get("azure-asyncoperation");
    },

    async getOperationError(url) {
      // The address came from ARM and carries our token: it goes to ARM or nowhere.
      if (new URL(url).origin !== new URL(options.endpoint).origin)
        return undefined;
      const what = "the read of an operation";
      const response = await send(what, async ({ onResponse, abortSignal }) => {
        const answer = await clientFor("").pipeline.sendRequest(
          httpClient,
          createPipelineRequest({
            url,
            abortSignal,
            timeout: options.timeoutMs,
          }),
        );
        onResponse({ ...answer, parsedBody: parseJson(answer.bodyAsText) });
      });
      if (response.status === 404) return undefined;
      if (response.status !== 200)
        throw toServiceError(what, response, options.now());
      return armErrorIn(response.body);
    },

    async getDiskEncryptionSet(id) {
      const { subscriptionId, resourceGroupName, names } = parsed(id);
      const body = await read(`the read of ${id}`, (callOptions) =>
        clientFor(subscriptionId).diskEncryptionSets.get(
          resourceGroupName,
          names[0] ?? "",
          callOptions,
        ),
      );
      return body === undefined ? undefined : diskEncryptionSet(id, body);
    },

    async getSource(id) {
      const body = await read(`the read of ${id}`, (callOptions) =>
        getSource(clientFor, id, callOptions),
      );
      return body === undefined ? undefined : imageSource(id, body);
    },
  };
}

/** ARM's resources in the wire's form, as far as they are looked into. */
interface Wire {
  readonly location?: string;
  readonly properties?: {
    readonly provisioningState?: string;
    readonly encryptionType?: string;
    readonly storageProfile?: {
      readonly dataDisks?: readonly { readonly lun: number }[];
      readonly dataDiskImages?: readonly { readonly lun: number }[];
    };
    readonly replicationStatus?: {
      readonly summary?: readonly {
        readonly region?: string;
        readonly state?: string;
        readonly progress?: number;
        readonly details?: string;
      }[];
    };
  };
}

function observed(body: Wire): ObservedImageVersion {
  return {
    provisioningState: body.properties?.provisioningState ?? "Unknown",
    request: body as unknown as ImageVersionRequest,
    regions: (body.properties?.replicationStatus?.summary ?? []).map(
      ({ region, state, progress, details }) => ({
        name: canonicalRegion(region ?? ""),
        state: (state ?? "Unknown") as RegionState,
        progress: progress ?? 0,
        ...(details && { details }),
      }),
    ),
  };
}

function diskEncryptionSet(
  id: string,
  { location, properties }: Wire,
): DiskEncryptionSet {
  return {
    id,
    region: canonicalRegion(location ?? ""),
    provisioningState: properties?.provisioningState ?? "Unknown",
    encryptionType: (properties?.encryptionType ??
      "EncryptionAtRestWithCustomerKey") as EncryptionType,
  };
}

function imageSource(id: string, { properties }: Wire): ImageSource {
  const { type } = parsed(id);
  if (type === "disks" || type === "snapshots") return { id };
  const { dataDisks, dataDiskImages } = properties?.storageProfile ?? {};
  return {
    id,
    dataDiskLuns: (dataDisks ?? dataDiskImages ?? []).map((disk) => disk.lun),
  };
}

function getSource(
  clientFor: (subscriptionId: string) => Client,
  id: string,
  callOptions: CallOptions,
): Promise<unknown> {
  const { subscriptionId, resourceGroupName, type, names } = parsed(id);
  const client = clientFor(subscriptionId);
  const [first = "", second = "", third = ""] = names;
  switch (type) {
    case "images":
      return client.images.get(resourceGroupName, first, callOptions);
    case "disks":
      return client.disks.get(resourceGroupName, first, callOptions);
    case "snapshots":
      return client.snapshots.get(resourceGroupName, first, callOptions);
    case "virtualmachines":
      return client.virtualMachines.get(resourceGroupName, first, callOptions);
    case "galleries/images/versions":
      return client.galleryImageVersions.get(
        resourceGroupName,
        first,
        second,
        third,
        callOptions,
      );
    default:
      throw new TypeError(`${id} is not a source of image versions`);
  }
}

/** The SDK's model is the wire's form with `properties` spread out and dates as Date. */
function toModel({
  properties,
  ...rest
}: ImageVersionRequest): GalleryImageVersion {
  const { publishingProfile, ...others } = properties;
  const endOfLifeDate = publishingProfile?.endOfLifeDate;
  return {
    ...rest,
    ...others,
    publishingProfile: {
      ...publishingProfile,
      ...(endOfLifeDate !== undefined && {
        endOfLifeDate: new Date(endOfLifeDate),
      }),
    },
  } as GalleryImageVersion;
}

function namesOf(id: ImageVersionId): [string, string, string, string] {
  return [id.resourceGroupName, id.galleryName, id.imageName, id.versionName];
}

function parsed(id: string): NonNullable<ReturnType<typeof parseResourceId>> {
  const resource = parseResourceId(id);
  if (resource === undefined) throw new TypeError(`${id} is not a resource id`);
  return resource;
}

function parseJson(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}

import { ComputeManagementClient, type GalleryImageVersion } from "@azure/arm-compute";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { ManualClock } from "@sigil-local/clock";
import { startTokenIssuer, type TokenClaims, type TokenIssuer } from "@sigil-local/token-issuer";
import {
  startResourceManagerSimulator,
  type ResourceManagerSimulator,
  type ResourceManagerSimulatorOptions,
} from "../src/server.js";
import { seedWorld } from "../src/world.js";

export const SUBSCRIPTION = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
export const OTHER_SUBSCRIPTION = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee";
export const GROUP = "MyResourceGroup";
export const ARM = "https://management.azure.com";
/** The slowest region takes exactly this long. */
export const DURATION_MS = 40 * 60_000;

export const COMPUTE = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}/providers/Microsoft.Compute`;
export const DEFINITION = `${COMPUTE}/galleries/MyGallery/images/MyImage`;
export const versionId = (name: string): string => `${DEFINITION}/versions/${name}`;
export const setId = (name: string): string => `${COMPUTE}/diskEncryptionSets/${name}`;

export interface Harness {
  readonly clock: ManualClock;
  readonly issuer: TokenIssuer;
  readonly simulator: ResourceManagerSimulator;
  readonly client: ComputeManagementClient;
  /** An ARM call without the SDK. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** `POST /simulator/<method>`. */
  control(method: string, argument?: unknown): Promise<ControlAnswer>;
  /** A second simulator in the same test, closed with the first. */
  start(options?: Partial<ResourceManagerSimulatorOptions>): Promise<ResourceManagerSimulator>;
  clientFor(simulator: ResourceManagerSimulator): ComputeManagementClient;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly rawBody?: string;
  readonly apiVersion?: string;
  readonly headers?: Record<string, string>;
  readonly claims?: TokenClaims;
  /** Default: a good token; null: none. */
  readonly authorization?: string | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export interface ControlAnswer {
  readonly status: number;
  readonly body: {
    readonly result?: unknown;
    readonly error?: { readonly code: string; readonly message: string };
  };
}

export async function startHarness(
  options: Partial<ResourceManagerSimulatorOptions> = {},
): Promise<Harness> {
  const directory = process.env["SIGIL_TEST_CERTIFICATES"] ?? "";
  const tls = await createCertificateAuthority(directory);
  const clock = new ManualClock();
  const issuer = await startTokenIssuer({
    tls,
    audience: ARM,
    // A new RSA key takes longer than a test: they share one.
    dataDirectory: directory,
  });
  const open: ResourceManagerSimulator[] = [];
  const start = async (more: Partial<ResourceManagerSimulatorOptions> = {}) => {
    const started = await startResourceManagerSimulator({
      tls,
      clock,
      issuer,
      world: seedWorld(SUBSCRIPTION),
      replication: { durationMs: DURATION_MS, spread: 0.5, seed: "test" },
      ...options,
      ...more,
    });
    open.push(started);
    return started;
  };
  const simulator = await start();

  const credential = {
    getToken: async () => ({
      token: await issuer.issueToken({ audience: ARM }),
      expiresOnTimestamp: Date.now() + 3_600_000,
    }),
  };
  const clientFor = ({ endpoint }: ResourceManagerSimulator) =>
    new ComputeManagementClient(credential, SUBSCRIPTION, {
      endpoint,
      retryOptions: { maxRetries: 0 },
    });

  return {
    clock,
    issuer,
    simulator,
    client: clientFor(simulator),
    clientFor,
    start,
    async call(method, path, call = {}) {
      const separator = path.includes("?") ? "&" : "?";
      const version = call.apiVersion ?? "2025-12-03";
      const query = version === "" ? "" : `${separator}api-version=${version}`;
      const authorization =
        call.authorization === undefined
          ? `Bearer ${await issuer.issueToken({ audience: ARM, ...call.claims })}`
          : call.authorization;
      const body =
        call.rawBody ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
      const url = path.startsWith("https:") ? path : `${simulator.endpoint}${path}${query}`;
      const response = await fetch(url, {
        method,
        headers: {
          ...(authorization === null ? {} : { Authorization: authorization }),
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...call.headers,
        },
        ...(body === undefined ? {} : { body }),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>,
      };
    },
    async control(method, argument) {
      const response = await fetch(`${simulator.endpoint}/simulator/${method}`, {
        method: "POST",
        ...(argument === undefined ? {} : { body: JSON.stringify(argument) }),
      });
      return {
        status: response.status,
        body: (await response.json()) as ControlAnswer["body"],
      };
    },
    async close() {
      await Promise.all([...open.map((one) => one.close()), issuer.close()]);
    },
  };
}

/** One for each test; `use` is given it before the test. */
export function startForEach(
  use: (h: Harness) => void,
  options?: Partial<ResourceManagerSimulatorOptions>,
): void {
  let h: Harness;
  beforeEach(async () => {
    h = await startHarness(options);
    use(h);
  });
  afterEach(() => h.close());
}

/** One for all tests; `use` is given it before each, and a version's name that no other test has. */
export function startForAll(
  use: (h: Harness, name: string) => void,
  options?: Partial<ResourceManagerSimulatorOptions>,
): void {
  let h: Harness;
  let next = 0;
  beforeAll(async () => {
    h = await startHarness(options);
  });
  beforeEach(() => {
    next += 1;
    use(h, `1.0.${next}`);
  });
  afterAll(() => h.close());
}

/** Row S10 of the seed: a managed image; westus twice, eastus2 once; a set per region and disk. */
export function encryptedVersion(change: Partial<GalleryImageVersion> = {}): GalleryImageVersion {
  return {
    location: "westus",
    storageProfile: { source: { id: `${COMPUTE}/images/myImage` } },
    publishingProfile: {
      targetRegions: [
        region("westus", "WestUS", {
          regionalReplicaCount: 2,
          storageAccountType: "Standard_LRS",
        }),
        region("eastus2", "EastUS2"),
      ],
    },
    ...change,
  };
}

export function region(name: string, sets: string, more: object = {}) {
  return {
    name,
    ...more,
    encryption: {
      osDiskImage: { diskEncryptionSetId: setId(`${sets}DiskEncryptionSet1`) },
      dataDiskImages: [{ lun: 0, diskEncryptionSetId: setId(`${sets}DiskEncryptionSet2`) }],
    },
  };
}

/** The simplest version: platform keys, one region. */
export function plainVersion(change: Partial<GalleryImageVersion> = {}): GalleryImageVersion {
  return {
    location: "westus",
    storageProfile: { source: { id: `${COMPUTE}/images/myImage` } },
    publishingProfile: { targetRegions: [{ name: "westus" }] },
    ...change,
  };
}

/** A PUT of a version in ARM's own words, and its whole answer: the SDK's errors have no `target`. */
export async function put(
  h: Harness,
  id: string,
  properties: {
    storageProfile?: object;
    targetRegions?: readonly object[];
    publishingProfile?: object;
    securityProfile?: object;
  },
  call: { readonly apiVersion?: string } = {},
): Promise<Answer> {
  const {
    storageProfile = { source: { id: `${COMPUTE}/images/myImage` } },
    targetRegions = [{ name: "westus" }],
    publishingProfile,
    securityProfile,
  } = properties;
  return await h.call("PUT", id, {
    ...call,
    body: {
      location: "westus",
      properties: {
        storageProfile,
        publishingProfile: { targetRegions, ...publishingProfile },
        ...(securityProfile && { securityProfile }),
      },
    },
  });
}

/** Sends the PUT and returns when ARM has answered it, without polling; wrapped, because a poller is a promise of its end. */
export async function submit(
  client: ComputeManagementClient,
  name: string,
  version: GalleryImageVersion,
  gallery = "MyGallery",
) {
  const poller = client.galleryImageVersions.createOrUpdate(
    GROUP,
    gallery,
    "MyImage",
    name,
    version,
    {
      updateIntervalInMs: 1,
    },
  );
  await poller.submitted();
  return { poller };
}

export async function get(client: ComputeManagementClient, name: string, expand = false) {
  return await client.galleryImageVersions.get(
    GROUP,
    "MyGallery",
    "MyImage",
    name,
    expand ? { expand: "ReplicationStatus" } : {},
  );
}

/** Region to state and progress. */
export async function replication(client: ComputeManagementClient, name: string) {
  const { replicationStatus } = await get(client, name, true);
  const regions: Record<string, { state?: string; progress?: number }> = {};
  for (const { region: where = "", state, progress } of replicationStatus?.summary ?? [])
    regions[where] = {
      ...(state === undefined ? {} : { state }),
      ...(progress === undefined ? {} : { progress }),
    };
  return regions;
}

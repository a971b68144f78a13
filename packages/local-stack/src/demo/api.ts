import { IMAGE_PATH, versionPath } from "./requests.js";
import type { DemoStack } from "./stack.js";

/** The members of an operation that the demo reads. */
export interface Operation {
  readonly id: string;
  readonly status: string;
  readonly createdTime: string;
  readonly regions: readonly {
    readonly name: string;
    readonly state: string;
    readonly completedTime?: string;
  }[];
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly errors: readonly Finding[];
  };
}

export interface Finding {
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
  readonly remediation?: string;
}

interface DiskEncryption {
  readonly diskEncryptionSetId?: string;
}

/** The members of an image version that the demo reads. */
export interface ImageVersion {
  readonly properties: {
    readonly provisioningState: string;
    readonly publishingProfile: {
      readonly targetRegions: readonly {
        readonly name: string;
        readonly regionalReplicaCount: number;
      }[];
    };
  };
  readonly sigil: {
    readonly latestIn: readonly string[];
    readonly regions: readonly {
      readonly name: string;
      readonly state: string;
      readonly encryption: {
        readonly osDiskImage: DiskEncryption;
        readonly dataDiskImages: readonly (DiskEncryption & {
          readonly lun: number;
        })[];
      };
    }[];
  };
}

/** Sigil's API as an internal tool uses it: a bearer token and JSON. An answer that is not a success is an error. */
export class Api {
  readonly #origin: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ origin, token }: Pick<DemoStack, "origin" | "token">) {
    this.#origin = origin;
    this.#headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
    };
  }

  /** Asks for a version and gives the operation that was accepted. */
  async putVersion(version: string, request: unknown): Promise<Operation> {
    return (await this.#call(
      "PUT",
      versionPath(version),
      202,
      JSON.stringify(request),
    )) as Operation;
  }

  /** Says how machines are made that test versions of the image definition. */
  async putTestProfile(profile: unknown): Promise<void> {
    await this.#call("PUT", `${IMAGE_PATH}/test-profile`, 200, JSON.stringify(profile));
  }

  /** Undefined: Azure has no such version. */
  async getVersion(version: string): Promise<ImageVersion | undefined> {
    return (await this.#call("GET", versionPath(version), 200, undefined, 404)) as
      ImageVersion | undefined;
  }

  /** The newest operation of a version. */
  async findOperation(version: string): Promise<Operation | undefined> {
    const { value } = (await this.#call("GET", "/api/operations?top=100", 200)) as {
      value: readonly (Operation & { readonly resourceId: string })[];
    };
    return value.find(({ resourceId }) => resourceId.endsWith(`/versions/${version}`));
  }

  async getOperation(id: string): Promise<Operation> {
    return (await this.#call("GET", `/api/operations/${id}`, 200)) as Operation;
  }

  async #call(
    method: string,
    path: string,
    expectedStatus: number,
    body?: string,
    absentStatus?: number,
  ): Promise<unknown> {
    const response = await fetch(`${this.#origin}${path}`, {
      method,
      headers: this.#headers,
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    if (response.status === absentStatus) return undefined;
    if (response.status !== expectedStatus)
      throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}

import { afterEach, beforeEach, expect, test } from "vitest";
import type { ResourceManager } from "../../../src/image-version/ports.js";
import { bodyOf, IMAGES, VERSIONS, type Asked } from "./requests.js";
import { idOf } from "../dependencies.js";
import { THROTTLED, type AzureUnderTest } from "./azure.js";

const VERSION = VERSIONS[0];
const ID = idOf(VERSION);
const IMAGE = IMAGES[0] ?? "";
const AN_HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

function requestOf(more: Partial<Asked> = {}) {
  return bodyOf({
    regions: { westus: 1, eastus2: 2 },
    excludeFromLatest: null,
    tag: "17",
    endOfLifeDate: null,
    guarded: false,
    opened: false,
    otherKeys: [],
    promoted: false,
    ...more,
  });
}

/** What every ResourceManager does. */
export function resourceManagerSuite(start: () => Promise<AzureUnderTest>): void {
  let azure: AzureUnderTest;
  let arm: ResourceManager;
  beforeEach(async () => {
    azure = await start();
    arm = azure.resourceManager;
  });
  afterEach(() => azure.close());

  /** A version whose operation has ended; gives the operation's URL. */
  async function made(more?: Partial<Asked>): Promise<string> {
    const url = await arm.putImageVersion(ID, requestOf(more));
    azure.clock.advance(AN_HOUR_MS);
    await arm.getImageVersion(ID);
    if (url === undefined) throw new Error("the PUT started no operation");
    return url;
  }

  test("what is not there is undefined, and a definition without versions has none", async () => {
    expect(await arm.getImageVersion(ID)).toBeUndefined();
    expect(await arm.listImageVersions(IMAGE)).toEqual([]);
    expect(await arm.listImageVersions(`${IMAGE}None`)).toBeUndefined();
  });

  test("a PUT starts what a GET shows, region by region", async () => {
    const url = await arm.putImageVersion(ID, requestOf());
    expect(await arm.getOperationError(url ?? "")).toBeUndefined();
    expect(await arm.getImageVersion(ID)).toMatchObject({
      provisioningState: "Creating",
      regions: [
        { name: "westus", state: "Unknown", progress: 0 },
        { name: "eastus2", state: "Unknown", progress: 0 },
      ],
    });
    azure.clock.advance(AN_HOUR_MS);
    expect(await arm.getImageVersion(ID)).toMatchObject({
      provisioningState: "Succeeded",
      publishedDate: expect.any(String) as string,
      resource: {
        id: VERSION,
        location: "westus",
        tags: { build: "17" },
        properties: {
          publishingProfile: {
            targetRegions: [
              { name: "West US", regionalReplicaCount: 1 },
              { name: "East US 2", regionalReplicaCount: 2 },
            ],
          },
        },
      },
      regions: [
        { name: "westus", state: "Completed", progress: 100 },
        { name: "eastus2", state: "Completed", progress: 100 },
      ],
    });
    expect(await arm.getOperationError(url ?? "")).toBeUndefined();
  });

  test("a list shows a version as a GET does, but for its replication", async () => {
    await made();
    const seen = await arm.getImageVersion(ID);
    if (seen === undefined) throw new Error("the version is not there");
    const { regions: _, ...shown } = seen;
    const { replicationStatus: __, ...properties } = shown.resource.properties as Record<
      string,
      unknown
    >;
    expect(await arm.listImageVersions(IMAGE)).toEqual([
      { ...shown, name: "1.0.0", resource: { ...shown.resource, properties } },
    ]);
  });

  test("what Azure never accepts is terminal, with Azure's words and field", async () => {
    await expect(
      arm.putImageVersion(ID, { ...requestOf(), location: "northeurope" }),
    ).rejects.toMatchObject({
      code: "ResourceManagerRefused",
      retryable: false,
      findings: [
        {
          code: expect.stringMatching(/./u) as string,
          message: expect.stringMatching(/^Azure says \w+: ./u) as string,
          severity: "error",
        },
      ],
    });
    expect(await arm.getImageVersion(ID)).toBeUndefined();
  });

  test("an update while another is under way is refused for now", async () => {
    await arm.putImageVersion(ID, requestOf());
    await expect(arm.putImageVersion(ID, requestOf({ tag: "18" }))).rejects.toMatchObject({
      code: "ResourceManagerBusy",
      retryable: true,
    });
  });

  test("an operation that failed says why: its code, and Azure's words", async () => {
    await azure.failRegion("eastus2");
    const url = await made();
    expect(await arm.getImageVersion(ID)).toMatchObject({
      provisioningState: "Failed",
      regions: [
        { name: "westus", state: "Completed" },
        {
          name: "eastus2",
          state: "Failed",
          details: expect.stringMatching(/./u) as string,
        },
      ],
    });
    const error = await arm.getOperationError(url);
    expect(error).toEqual({
      code: expect.stringMatching(/^\w+$/u) as string,
      message: expect.stringMatching(/^\w+: ./u) as string,
    });
  });

  test("an operation that is not there, or not Azure's, says nothing", async () => {
    await azure.failRegion("eastus2");
    const { href, pathname, search } = new URL(await made());
    expect(await arm.getOperationError(href.replace(pathname, `${pathname}0`))).toBeUndefined();
    expect(
      await arm.getOperationError(`https://elsewhere.example${pathname}${search}`),
    ).toBeUndefined();
  });

  test("what is deleted is shown until it is gone, and may be deleted again", async () => {
    await made();
    const url = await arm.deleteImageVersion(ID);
    expect(url).toMatch(/^https:/u);
    expect(await arm.getImageVersion(ID)).toMatchObject({
      provisioningState: "Deleting",
    });
    azure.clock.advance(10 * MINUTE_MS);
    expect(await arm.getImageVersion(ID)).toBeUndefined();
    expect(await arm.deleteImageVersion(ID)).toBeUndefined();
  });

  test("a preview is the PUT that would be sent, and sends nothing", async () => {
    const request = requestOf({ promoted: true });
    const { method, url, body } = await arm.previewPut(ID, request);
    expect(method).toBe("PUT");
    expect(new URL(url).pathname).toBe(VERSION);
    expect(new URL(url).searchParams.get("api-version")).toMatch(/^\d{4}-/u);
    const { sigil: _, ...rest } = request;
    expect(body).toEqual(rest);
    expect(await arm.getImageVersion(ID)).toBeUndefined();
  });

  test.each<[string, (arm: ResourceManager) => Promise<unknown>]>([
    ["GET", (port) => port.getImageVersion(ID)],
    ["list", (port) => port.listImageVersions(IMAGE)],
    ["PUT", (port) => port.putImageVersion(ID, requestOf())],
    ["DELETE", (port) => port.deleteImageVersion(ID)],
  ])("a %s that is throttled is one call, to be made again", async (_, call) => {
    azure.throttleNext();
    await expect(call(arm)).rejects.toMatchObject(THROTTLED);
    await call(arm);
  });
}

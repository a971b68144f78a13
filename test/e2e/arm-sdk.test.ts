/** Azure's own SDK for JavaScript, unmodified, on Azure Resource Manager's path: its pollers come to the end. */
import { ComputeManagementClient, type GalleryImageVersion } from "@azure/arm-compute";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { startTlsFront, type TlsFront } from "@sigil-local/stack/tls-front";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkAgainstDocument, endOf, type ApiClient } from "../support/api-client.js";
import { managedImageRequest, seedResource } from "../support/requests.js";
import { Stack } from "../support/stack.js";

const VERSION = ["MyResourceGroup", "MyGallery", "MyImage", "6.0.0"] as const;

let stack: Stack;
let front: TlsFront;
let api: ApiClient;
let versions: ComputeManagementClient["galleryImageVersions"];
/** What the SDK was answered, and the operation that it follows. */
let answers: string[] = [];
let operationUrl: string | undefined;

beforeAll(async () => {
  stack = await Stack.start({
    simulator: { replication: { durationMs: 300 } },
  });
  const host = await stack.startHost();
  front = await startTlsFront(host.origin, stack.services.certificates);
  api = await stack.client(host);
  const token =
    (await stack.services.tokenIssuer?.issueToken({
      roles: ["ImageVersions.Write"],
    })) ?? "";
  const client = new ComputeManagementClient(
    {
      getToken: () => Promise.resolve({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
    },
    LOCAL_SUBSCRIPTION_ID,
    { endpoint: `${front.origin}/api` },
  );
  client.pipeline.addPolicy({
    name: "answers",
    async sendRequest(request, next) {
      const response = await next(request);
      const isOperation = request.url.includes("/operations/");
      answers.push(`${request.method} ${isOperation ? "operation" : "version"} ${response.status}`);
      operationUrl = response.headers.get("operation-location") ?? operationUrl;
      checkAgainstDocument(
        request.method,
        new URL(request.url).pathname,
        {
          status: response.status,
          headers: new Headers(response.headers.toJSON()),
        },
        JSON.parse(response.bodyAsText ?? "null"),
      );
      return response;
    },
  });
  versions = client.galleryImageVersions;
});
afterAll(async () => {
  await front.close();
  await stack.close();
});

interface Poller<T> {
  readonly isDone: boolean;
  readonly result: T | undefined;
  submitted(): Promise<void>;
  poll(): Promise<unknown>;
}

/** Follows a poller to its end; the poller asks once Sigil has told that the operation has ended, not by its own clock. */
async function done<T>(poller: Poller<T>): Promise<T | undefined> {
  answers = [];
  operationUrl = undefined;
  await poller.submitted();
  if (operationUrl !== undefined)
    await endOf(api, new URL(operationUrl).pathname.split("/").at(-1) ?? "");
  while (!poller.isDone) await poller.poll();
  return poller.result;
}

/** As the SDK has it; out of latest, so that its deletion takes no region's latest away. */
function version(
  tags: Record<string, string>,
  sourceId = seedResource("images/myImage"),
): GalleryImageVersion {
  const { location, properties } = managedImageRequest();
  return {
    location,
    tags,
    publishingProfile: {
      ...(properties.publishingProfile as GalleryImageVersion["publishingProfile"]),
      excludeFromLatest: true,
    },
    storageProfile: { source: { id: sourceId } },
  };
}

test("it creates a version, and has it", async () => {
  const created = await done(
    versions.createOrUpdate(...VERSION, version({ build: "1", team: "images" })),
  );
  expect(created).toMatchObject({
    name: "6.0.0",
    provisioningState: "Succeeded",
    tags: { build: "1" },
  });
  expect(answers).toEqual(["PUT version 202", "GET operation 200", "GET version 200"]);
});

test("it updates it, and has it as it is then", async () => {
  const updated = await done(versions.update(...VERSION, { tags: { build: "2" } }));
  expect(updated).toMatchObject({ name: "6.0.0", tags: { build: "2" } });
  expect(answers).toEqual(["PATCH version 202", "GET operation 200", "GET version 200"]);
});

test("what changes nothing is the version at once", async () => {
  const tags = { build: "2", team: "images" };
  const same = { name: "6.0.0", tags };
  expect(await done(versions.createOrUpdate(...VERSION, version(tags)))).toMatchObject(same);
  expect(answers).toEqual(["PUT version 200"]);
  expect(await done(versions.update(...VERSION, { tags: { team: "images" } }))).toMatchObject(same);
  expect(answers).toEqual(["PATCH version 200"]);
});

test("it is told why an operation has failed", async () => {
  const [group, gallery, image] = VERSION;
  const refused = done(
    versions.createOrUpdate(
      group,
      gallery,
      image,
      "6.0.1",
      version({}, seedResource("images/none")),
    ),
  );
  await expect(refused).rejects.toThrow(/none/u);
});

test("it deletes it, and it is gone", async () => {
  await done(versions.delete(...VERSION));
  expect(answers).toEqual(["DELETE version 202", "GET operation 200"]);
  await expect(versions.get(...VERSION)).rejects.toMatchObject({
    statusCode: 404,
    code: "NotFound",
  });
});

describe("what it has deleted softly, it restores", () => {
  const restored = { name: "6.0.2", provisioningState: "Succeeded" };

  beforeAll(async () => {
    const { simulator } = stack;
    const id = seedResource("galleries/MyGallery");
    const gallery = simulator.resources().find((one) => one.id === id);
    if (gallery === undefined) throw new Error("there is no MyGallery");
    const softDeletePolicy = { isSoftDeleteEnabled: true };
    await simulator.putResource({
      ...gallery,
      properties: { ...gallery.properties, softDeletePolicy },
    });
  });

  test("by a PUT and by a PATCH, each followed to its end", async () => {
    const [group, gallery, image] = VERSION;
    const soft = [group, gallery, image, "6.0.2"] as const;
    await done(versions.createOrUpdate(...soft, version({})));
    await done(versions.delete(...soft));
    expect(
      await done(versions.createOrUpdate(...soft, { location: "westus", restore: true })),
    ).toMatchObject(restored);
    expect(answers[0]).toBe("PUT version 202");
    await done(versions.delete(...soft));
    expect(await done(versions.update(...soft, { restore: true }))).toMatchObject(restored);
    expect(answers[0]).toBe("PATCH version 202");
  });
});

import { describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { canonicalForm } from "../../../src/image-version/properties/canonical-form.js";
import {
  gatherFacts,
  type FactSources,
} from "../../../src/image-version/preflight/gather-facts.js";
import { idOf } from "../../support/dependencies.js";
import {
  largeWorld,
  managedImageRequest,
  seedResource,
  seedVersionId,
} from "../../support/requests.js";
import type { ImageSource } from "../../../src/image-version/resources.js";

const DEFINITION = seedResource("galleries/MyGallery/images/MyImage");

/** Ports that answer what `answer` says of each read, and keep every read that was begun. */
function ports(answer: (what: string) => Promise<unknown>) {
  const reads: string[] = [];
  let running = 0;
  let most = 0;
  const read = async (what: string): Promise<never> => {
    reads.push(what);
    running += 1;
    most = Math.max(most, running);
    try {
      return (await answer(what)) as never;
    } finally {
      running -= 1;
    }
  };
  const sources: FactSources = {
    resourceManager: { getImageVersion: () => read("version") },
    resources: {
      getGallery: read,
      getImageDefinition: read,
      getDiskEncryptionSet: read,
      getSource: read,
      listDiskEncryptionSets: read,
    },
    subscriptions: {
      listRegions: () => read("regions"),
      getRegistration: (_, { namespace, feature }) =>
        read(`${namespace} ${feature ?? ""}`.trim()),
      register: () => read("register"),
    },
    requiredRegistrations: [
      { namespace: "Microsoft.Compute" },
      { namespace: "Microsoft.Compute", feature: "SIGEncryption" },
    ],
  };
  return { sources, reads, most: () => most };
}

function source(id: string, more: Partial<ImageSource> = {}): ImageSource {
  return {
    id,
    provisioningState: "Succeeded",
    regions: ["westus"],
    osDisk: {},
    dataDisks: [],
    ...more,
  };
}

const nothing = (): Promise<undefined> => Promise.resolve(undefined);
const id = idOf(seedVersionId("1.0.0"));

describe("facts", () => {
  test("are read once each, however often and however spelled the request names them (invariant 1)", async () => {
    const body = managedImageRequest();
    const [region] = body.properties.publishingProfile?.targetRegions ?? [];
    const set = region?.encryption?.osDiskImage?.diskEncryptionSetId ?? "";
    const { sources, reads } = ports(nothing);
    await gatherFacts(
      sources,
      id,
      canonicalForm({
        ...body,
        properties: {
          ...body.properties,
          publishingProfile: {
            targetRegions: ["westus", "eastus2"].map((name) => ({
              name,
              encryption: {
                osDiskImage: { diskEncryptionSetId: set },
                dataDiskImages: [
                  { lun: 0, diskEncryptionSetId: set.toUpperCase() },
                ],
              },
            })),
          },
        },
      }),
    );
    expect(reads.map((what) => what.toLowerCase()).sort()).toEqual(
      [
        seedResource("galleries/MyGallery"),
        DEFINITION,
        "version",
        "regions",
        "Microsoft.Compute",
        "Microsoft.Compute SIGEncryption",
        set,
        seedResource("images/myImage"),
      ]
        .map((what) => what.toLowerCase())
        .sort(),
    );
  });

  test("of a source lead on to its disks and its definition, each once", async () => {
    const version = `${DEFINITION}/versions/0.9.0`;
    const { sources, reads } = ports((what) =>
      Promise.resolve(what === version ? source(version) : undefined),
    );
    const body = managedImageRequest();
    const { sourceDefinitions } = await gatherFacts(sources, id, {
      ...body,
      properties: {
        ...body.properties,
        storageProfile: { source: { id: version } },
      },
    });
    // The target's own definition: known already.
    expect(reads.filter((what) => what === DEFINITION)).toHaveLength(1);
    expect([...sourceDefinitions]).toEqual([
      [DEFINITION.toLowerCase(), { kind: "absent" }],
    ]);

    const machine = seedResource("virtualMachines/myVM");
    const disk = seedResource("disks/myOSDisk");
    const again = ports((what) =>
      Promise.resolve(
        what === machine
          ? source(machine, {
              osDisk: { id: disk },
              dataDisks: [{ lun: 0, id: disk.toUpperCase() }],
            })
          : undefined,
      ),
    );
    const facts = await gatherFacts(again.sources, id, {
      ...body,
      properties: {
        ...body.properties,
        storageProfile: { source: { virtualMachineId: machine } },
      },
    });
    expect(
      again.reads.filter((what) => what.toLowerCase() === disk.toLowerCase()),
    ).toHaveLength(1);
    expect(facts.sources.get(disk.toLowerCase())).toEqual({ kind: "absent" });
  });

  test("tell what is not there from what may not be seen (invariant 2)", async () => {
    const denial = {
      action: "Microsoft.Compute/galleries/read",
      scope: seedResource("galleries/MyGallery"),
    };
    const { sources } = ports((what) =>
      what === denial.scope
        ? Promise.reject(
            new ServiceError("ResourceManagerForbidden", "No.", {
              fields: denial,
            }),
          )
        : nothing(),
    );
    const facts = await gatherFacts(sources, id, managedImageRequest());
    expect(facts.gallery).toEqual({ kind: "denied", ...denial });
    expect(facts.imageDefinition).toEqual({ kind: "absent" });
  });
});

describe("the reads of one request (invariant 3)", () => {
  const large = largeWorld(30, 3);
  const largeId = idOf(large.versionId("1.0.0"));

  test("run sixteen at a time", async () => {
    const { sources, reads, most } = ports(
      () => new Promise((resolve) => setImmediate(() => resolve(undefined))),
    );
    await gatherFacts(sources, largeId, canonicalForm(large.request));
    expect(reads).toHaveLength(30 * 4 + 1 + 4 + 2);
    expect(most()).toBe(16);
  });

  test("stop at the first that is throttled, and throw what ARM asked for", async () => {
    const throttled = new ServiceError("ResourceManagerThrottled", "Slowly.", {
      retryAfterMs: 17_000,
    });
    const { sources, reads } = ports((what) =>
      what === "version" ? Promise.reject(throttled) : nothing(),
    );
    await expect(
      gatherFacts(sources, largeId, canonicalForm(large.request)),
    ).rejects.toBe(throttled);
    // Those that were under way with it, and no more.
    expect(reads.length).toBeLessThanOrEqual(16 + 2);
  });
});

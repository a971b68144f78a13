import {
  checkMembers,
  INTEGER_OR_NULL,
  integer,
  REGIONS,
  MILLISECONDS,
  OBJECT,
  oneOf,
  optional,
  PATTERN,
  REGION,
  RESOURCE,
  SPEED,
  TAG_CHANGES,
  TAGS,
  TEXT,
  VERSION_ID,
  ANYTHING,
  type Rule,
} from "./control-argument.js";
import type { SimulatorControl } from "./control.js";
import { FAULT_ACTIONS } from "./faults.js";
import { MACHINE_FATES } from "./machine-control.js";

/** The description of one control, and the rule for its argument. */
export interface ControlDescription {
  readonly does: string;
  /** The members of the argument, or the argument itself where that is no object. Absent: nothing is sent. */
  readonly argument?: Readonly<Record<string, Rule>> | Rule;
  /** True: null, or nothing, may be sent in place of the argument. */
  readonly orNothing?: true;
  /** An argument for the world that the simulator begins with, and a version 1.0.0 of MyImage that is being created. */
  readonly example?: unknown;
}

const SUBSCRIPTION = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const COMPUTE = `/subscriptions/${SUBSCRIPTION}/resourceGroups/MyResourceGroup/providers/Microsoft.Compute`;
const SET = `${COMPUTE}/diskEncryptionSets/WestUSDiskEncryptionSet1`;
const V = `${COMPUTE}/galleries/MyGallery/images/MyImage/versions/1.0.0`;

const STOP = {
  versionId: optional(VERSION_ID),
  region: REGION,
  message: optional(TEXT),
  atProgress: optional(integer(0, 100)),
  times: optional(integer(1)),
};
const ONE_REGION = { versionId: VERSION_ID, region: REGION };

/** Every control, for `--help` and `GET /simulator`, and for the check of what comes by HTTP. */
export const CONTROLS: Readonly<Record<keyof SimulatorControl, ControlDescription>> = {
  addFault: {
    does: "Answers requests with a fault, the next one unless `times` says how many (null: all). `path` is a regular expression, tried on path and query. Gives the fault's id.",
    argument: {
      method: optional(TEXT),
      path: optional(PATTERN),
      afterMatches: optional(integer(0)),
      times: optional(INTEGER_OR_NULL),
      action: optional(oneOf(...FAULT_ACTIONS)),
      status: optional(integer(100, 599)),
      headers: optional(TAGS),
      body: optional(ANYTHING),
    },
    example: { method: "PUT", path: "/versions/", status: 429, times: 2 },
  },
  clearFaults: { does: "Removes every fault." },
  faults: { does: "Gives the faults, and how many requests each has met." },
  failRegion: {
    does: "Fails the replication of a region: of a version, or of whichever starts there next; now, or at a percentage.",
    argument: STOP,
    example: { versionId: V, region: "eastus2", atProgress: 60 },
  },
  stallRegion: {
    does: "Stalls the replication of a region, with the arguments of failRegion.",
    argument: STOP,
    example: { region: "West US" },
  },
  resumeRegion: {
    does: "Lets a stalled region go on.",
    argument: ONE_REGION,
    example: { versionId: V, region: "westus" },
  },
  setReplicationSpeed: {
    does: "Makes replication run this many times as fast as in Azure; 0 stops it.",
    argument: SPEED,
    example: 600,
  },
  setSucceededWhen: {
    does: "An operation succeeds when every region is Completed, or already when the version's home region is.",
    argument: oneOf("everyRegion", "homeRegion"),
    example: "homeRegion",
  },
  setRegistrationState: {
    does: "Sets the registration of a resource provider or, with `feature`, of a feature.",
    argument: {
      subscriptionId: TEXT,
      namespace: TEXT,
      feature: optional(TEXT),
      state: oneOf(
        "NotRegistered",
        "Pending",
        "Registering",
        "Registered",
        "Unregistering",
        "Unregistered",
      ),
    },
    example: {
      subscriptionId: SUBSCRIPTION,
      namespace: "Microsoft.Compute",
      feature: "SIGSoftDelete",
      state: "Registered",
    },
  },
  setUnavailableRegions: {
    does: "Withholds regions from a subscription; [] gives all back.",
    argument: { subscriptionId: TEXT, regions: REGIONS },
    example: { subscriptionId: SUBSCRIPTION, regions: ["eastus2"] },
  },
  denyAction: {
    does: "Refuses an action to everybody, at a scope and below.",
    argument: { action: TEXT, scope: TEXT },
    example: {
      action: "Microsoft.Compute/diskEncryptionSets/read",
      scope: SET,
    },
  },
  allowAction: {
    does: "Takes back what denyAction refuses, at a scope and below or everywhere.",
    argument: { action: TEXT, scope: optional(TEXT) },
    example: { action: "Microsoft.Compute/diskEncryptionSets/read" },
  },
  deniedActions: { does: "Gives the actions that are refused." },
  putResource: {
    does: "Adds or replaces a resource as it is, unchecked.",
    argument: RESOURCE,
    example: {
      id: SET,
      name: "WestUSDiskEncryptionSet1",
      type: "Microsoft.Compute/diskEncryptionSets",
      location: "westus",
      properties: { provisioningState: "Failed" },
    },
  },
  removeResource: {
    does: "Removes a resource at once, without any operation or check.",
    argument: TEXT,
    example: SET,
  },
  resources: {
    does: "Gives every resource but image versions: what is there.",
  },
  world: {
    does: "Gives subscriptions and resources, as --world takes them; GET /simulator/world gives it alone.",
  },
  requests: { does: "Gives the requests to Resource Manager, oldest first." },
  countRequests: {
    does: "Counts the requests of a method, a status, or whose path and query match a regular expression.",
    argument: {
      method: optional(TEXT),
      path: optional(PATTERN),
      status: optional(integer(0, 599)),
    },
    orNothing: true,
    example: { method: "PUT", path: "/versions/1\\.0\\.0" },
  },
  clearRequests: { does: "Forgets the requests." },
  creates: {
    does: "Gives the number of times a version was really created.",
    argument: VERSION_ID,
    example: V,
  },
  latest: {
    does: "Gives the number of the version that a virtual machine gets in a region that names the image definition alone; null: none.",
    argument: { imageId: TEXT, region: REGION },
    example: {
      imageId: `${COMPUTE}/galleries/MyGallery/images/MyImage`,
      region: "westus",
    },
  },
  setFailureMode: {
    does: "An operation fails with its first failed region, or when all regions have settled (the default).",
    argument: { when: oneOf("firstRegion", "allSettled") },
    example: { when: "firstRegion" },
  },
  setLag: {
    does: "For this long after a PUT or PATCH, GET and LIST show a version as it was before; without `versionId` every version. 0 turns it off.",
    argument: { versionId: optional(VERSION_ID), ms: MILLISECONDS },
    example: { ms: 5000 },
  },
  lagNextReads: {
    does: "The next GETs of a version show it as it was before its last write.",
    argument: { versionId: VERSION_ID, reads: integer(0) },
    example: { versionId: V, reads: 2 },
  },
  setPolicy: {
    does: "What Azure Policy does to every PUT and PATCH of a version: adds tags, or denies it with a message. {} is nothing.",
    argument: { addTags: optional(TAGS), deny: optional(TEXT) },
    orNothing: true,
    example: { addTags: { costCenter: "42" } },
  },
  setOmission: {
    does: "What an update leaves out is cleared or kept; excludeFromLatest has a setting of its own: set to false or kept.",
    argument: {
      mode: optional(oneOf("clear", "keep")),
      excludeFromLatest: optional(oneOf("false", "keep")),
    },
    example: { mode: "keep", excludeFromLatest: "keep" },
  },
  setExclusionReading: {
    does: "Whether a version is the latest in a region goes by the region's excludeFromLatest, where it has one (regionFirst), or it is excluded by either flag (either).",
    argument: oneOf("regionFirst", "either"),
    example: "either",
  },
  setResourceGraphLag: {
    does: "Resource Graph shows a change of a virtual machine or scale set this much later. 0 turns it off, for what is changed already, too.",
    argument: { ms: MILLISECONDS },
    example: { ms: 60000 },
  },
  setPageSize: {
    does: "Most items on one page of every list; null is what the simulator was started with.",
    argument: INTEGER_OR_NULL,
    example: 10,
  },
  setMachineTimes: {
    does: "How long virtual machines of image versions take to start, to be deleted, and to run a script; what is left out is done at once.",
    argument: {
      startMs: optional(MILLISECONDS),
      deleteMs: optional(MILLISECONDS),
      scriptMs: optional(MILLISECONDS),
    },
    example: { startMs: 60000, deleteMs: 30000 },
  },
  planMachine: {
    does: "What befalls the next virtual machine of an image version, in a region or anywhere: its PUT is refused (sizeNotAvailable, quotaExceeded), it fails (allocationFails, keyRefused, startFails), it is never done (neverAllocated, hangs), it runs without an agent (noAgent), with disks under another key (wrongKey), with a script that fails (scriptFails), it is not deleted at the first time (deletionFails), or without its disks and interfaces (leavesDisks).",
    argument: {
      does: oneOf(...MACHINE_FATES),
      region: optional(REGION),
      times: optional(integer(1)),
    },
    example: { does: "wrongKey", region: "eastus2" },
  },
  setSnapshots: {
    does: "How long the next snapshots of disks take, how many of them fail, and how many a subscription may have in a region; what is left out is none, and no limit.",
    argument: {
      readyMs: optional(MILLISECONDS),
      failures: optional(integer(0)),
      limit: optional(integer(0)),
    },
    example: { readyMs: 60000, failures: 1 },
  },
  setMachineSize: {
    does: "Withholds a size of virtual machines in a region, where it is then not offered, or not to the subscription; null gives it back.",
    argument: {
      region: REGION,
      size: TEXT,
      restriction: {
        ...oneOf("NotOffered", "NotAvailableForSubscription", "QuotaId"),
        accepts: (value) =>
          value === null ||
          value === "NotOffered" ||
          value === "NotAvailableForSubscription" ||
          value === "QuotaId",
      },
    },
    example: {
      region: "westus",
      size: "Standard_D2s_v5",
      restriction: "NotAvailableForSubscription",
    },
  },
  setUsage: {
    does: "Sets what is used of a quota of virtual machines: cores, virtualMachines, or a family of sizes.",
    argument: {
      region: REGION,
      name: TEXT,
      used: integer(0),
      limit: integer(0),
    },
    example: { region: "westus", name: "cores", used: 99, limit: 100 },
  },
  setTermsAccepted: {
    does: "Accepts the terms of a Marketplace plan, or takes that back.",
    argument: {
      publisher: TEXT,
      offer: TEXT,
      plan: TEXT,
      accepted: {
        accepts: (value) => typeof value === "boolean",
        expected: "true or false",
      },
    },
    example: {
      publisher: "contoso",
      offer: "hardened-linux",
      plan: "9-gen2",
      accepted: true,
    },
  },
  failOperation: {
    does: "Fails the operation under way on a version; no region is Failed by it.",
    argument: { versionId: VERSION_ID, code: TEXT, message: TEXT },
    example: {
      versionId: V,
      code: "InternalOperationError",
      message: "An internal execution error occurred.",
    },
  },
  editVersion: {
    does: "Changes a version as others might, by a JSON merge patch: null removes.",
    argument: {
      versionId: VERSION_ID,
      properties: optional(OBJECT),
      tags: optional(TAG_CHANGES),
    },
    example: {
      versionId: V,
      properties: { publishingProfile: { excludeFromLatest: true } },
      tags: { owner: "someone else" },
    },
  },
  dropRegion: {
    does: "Removes a target region of a version.",
    argument: ONE_REGION,
    example: { versionId: V, region: "eastus2" },
  },
  dropEncryption: {
    does: "Removes the encryption of a region, or of one data disk there.",
    argument: { ...ONE_REGION, lun: optional(integer(0)) },
    example: { versionId: V, region: "eastus2", lun: 0 },
  },
  setRegionState: {
    does: "Sets the state of a region, from which time moves it on. `progress` goes with Replicating and Failed, `details` with Failed.",
    argument: {
      ...ONE_REGION,
      state: oneOf("Unknown", "Replicating", "Completed", "Failed"),
      progress: optional(integer(0, 99)),
      details: optional(TEXT),
    },
    example: { versionId: V, region: "westus", state: "Completed" },
  },
};

export function isControl(name: string): name is keyof SimulatorControl {
  return Object.hasOwn(CONTROLS, name);
}

/** Throws a TypeError that says what is right. */
export function checkArgument(name: keyof SimulatorControl, given: unknown): void {
  const { argument, orNothing } = CONTROLS[name];
  if (orNothing === true && (given ?? null) === null) return;
  if (argument === undefined) {
    if (given !== undefined) throw new TypeError(`${name} takes no argument.`);
  } else if (!isRule(argument)) checkMembers(name, given, argument);
  else if (!argument.accepts(given))
    throw new TypeError(`The argument of ${name} must be ${argument.expected}.`);
}

/** `GET /simulator`: each control with what it does, its argument, and an example. */
export function describeControls() {
  return Object.entries(CONTROLS).map(([name, { does, argument, example }]) => ({
    name,
    does,
    ...(argument === undefined
      ? {}
      : {
          argument: isRule(argument)
            ? argument.expected
            : Object.fromEntries(
                Object.entries(argument).map(([member, rule]) => [
                  member,
                  `${rule.expected}${rule.optional === true ? "; may be left out" : ""}`,
                ]),
              ),
        }),
    example: `POST /simulator/${name}${example === undefined ? "" : ` ${JSON.stringify(example)}`}`,
  }));
}

/** The same for `--help`. */
export function controlsAsText(): string {
  return describeControls()
    .map(({ name, does, argument, example }) =>
      [
        `  ${name}`,
        `      ${does}`,
        ...(argument === undefined
          ? []
          : typeof argument === "string"
            ? [`      Argument: ${argument}`]
            : Object.entries(argument).map(([member, expected]) => `      ${member}: ${expected}`)),
        `      ${example}`,
      ].join("\n"),
    )
    .join("\n");
}

function isRule(argument: NonNullable<ControlDescription["argument"]>): argument is Rule {
  return typeof argument["accepts"] === "function";
}

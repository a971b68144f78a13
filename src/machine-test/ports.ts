import type { ImageDocuments } from "../image-documents.js";
import type { Dependencies } from "../image-version/index.js";
import type { TaggedResources } from "../leftovers/ports.js";
import type { OperationDependencies } from "../operation/ports.js";
import type { TestedDisk } from "./region-record.js";
import type { TestResultDependencies, TestResults } from "../test-results/ports.js";
import type { MachineReader } from "./machine-reader.js";
import type { MachineName, MachinePlan } from "./machine.js";
import type { MachinePrices } from "./prices.js";
import type { TestProfile } from "./profile.js";
import type { TestRecord } from "./record.js";

/*
 * Requests to Azure for test machines. Each method sends one request; the serial log takes two. A
 * read returns undefined for 404. Every other failure is a ServiceError, as in every port of Azure
 * Resource Manager.
 */

/** A virtual machine as Azure shows it. */
export interface SeenMachine {
  readonly id: string;
  /** Canonical region. */
  readonly region: string;
  readonly provisioningState: string;
  /** Whether its host runs it. */
  readonly isRunning: boolean;
  /** Why provisioning failed, in Azure's words. */
  readonly failure?: Refusal;
  /** Whether the VM agent reports Ready, and its version if reported. */
  readonly isAgentReady: boolean;
  readonly agentVersion?: string;
  readonly interfaceIds: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** Azure's code and message. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** The machines, whose PUT carries a secret that only Azure may see. */
export interface TestMachines {
  getMachine(name: MachineName): Promise<SeenMachine | undefined>;
  /**
   * Sends the PUT if there is no such machine; an existing one is left alone. The key or password
   * is generated for this call and stored nowhere. Returns a refusal that no role and no later
   * attempt would change; undefined if ARM accepted it.
   */
  createMachine(
    name: MachineName,
    plan: MachinePlan,
    tags: Readonly<Record<string, string>>,
  ): Promise<Refusal | undefined>;
  /** Sends a forced DELETE. A missing machine counts as deleted. */
  deleteMachine(name: MachineName): Promise<void>;
  getDisk(id: string, lun: number | undefined): Promise<TestedDisk | undefined>;
}

/** The progress of a managed run command. */
export interface ScriptResult {
  readonly isDone: boolean;
  readonly exitCode?: number;
  /** Standard output, then standard error: at most the last 4 KB of each. */
  readonly output: string;
}

/** What proves that a machine started. */
export interface StartProofs {
  getScriptResult(name: MachineName): Promise<ScriptResult | undefined>;
  startScript(
    name: MachineName,
    plan: Pick<MachinePlan, "region" | "osType">,
    script: string,
    timeoutSeconds: number,
  ): Promise<Refusal | undefined>;
  /**
   * The whole log, or its end; undefined: Azure has none yet. The URL it is read from is stored
   * nowhere.
   */
  getSerialLog(name: MachineName): Promise<string | undefined>;
}

/** Counts tests and machines; one document for the deployment. */
export interface TestCounts {
  readonly imageId: string;
  /** The UTC day of `tests`. */
  readonly day: string;
  /** By caller. */
  readonly tests: Readonly<Record<string, number>>;
  /** Machines of tests that may still run, by the key of their record. */
  readonly open: Readonly<Record<string, { readonly machines: number; readonly since: string }>>;
}

export interface TestLimits {
  readonly machines: number;
  readonly testsPerDay: number;
  readonly counts: Pick<ImageDocuments<TestCounts>, "read" | "put">;
}

export interface TestDependencies
  extends
    OperationDependencies<TestRecord>,
    Pick<TestResultDependencies, "beforeResult" | "onResult">,
    Pick<Dependencies, "resourceManager" | "resources" | "looks" | "subscriptions" | "objections"> {
  readonly profiles: Pick<ImageDocuments<TestProfile>, "read">;
  /** Used to check the profile again before each test. */
  readonly machineReader: MachineReader;
  readonly machines: TestMachines;
  readonly proofs: StartProofs;
  /** The resources of a machine that may outlive it. */
  readonly parts: TaggedResources;
  /** Where the results are stored, like those of any test. */
  readonly results: TestResults;
  /** What machines cost, if the operator has set it. */
  readonly prices?: MachinePrices;
  /** If false, no test is accepted. */
  readonly makesMachines: boolean;
  readonly limits: TestLimits;
}

import type { ImageDocuments } from "../image-documents.js";
import type { Dependencies } from "../image-version/index.js";
import type { OperationDependencies } from "../operation/ports.js";
import type { TestedDisk } from "../operation/records.js";
import type { TestResultDependencies, TestResults } from "../test-results/ports.js";
import type { MachineReader } from "./machine-reader.js";
import type { MachineName, MachinePlan } from "./machine.js";
import type { MachinePrices } from "./prices.js";
import type { TestProfile } from "./profile.js";
import type { TestRecord } from "./record.js";

/*
 * What is asked of Azure for test machines. Each is one request, but for the serial log, which takes two. A read answers
 * undefined for 404. What is not said here is a ServiceError, as of every port of Azure Resource Manager.
 */

/** A virtual machine as Azure shows it. */
export interface SeenMachine {
  readonly id: string;
  /** Canonical region. */
  readonly region: string;
  readonly provisioningState: string;
  /** Its host runs it. */
  readonly isRunning: boolean;
  /** Why it was not provisioned, in Azure's words. */
  readonly failure?: Refusal;
  /** Whether the VM agent says Ready; its version where it says so. */
  readonly isAgentReady: boolean;
  readonly agentVersion?: string;
  readonly interfaceIds: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** Azure's code and words. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** Who may be sent what a machine's PUT has in it that nobody is to know. */
export interface TestMachines {
  getMachine(name: MachineName): Promise<SeenMachine | undefined>;
  /**
   * Sends the PUT, for a machine that is not there; one that is there is left as it is. Its key or password is made for this
   * call and kept nowhere. Answers a refusal that no role and no other time would change, undefined where it was accepted.
   */
  createMachine(
    name: MachineName,
    plan: MachinePlan,
    tags: Readonly<Record<string, string>>,
  ): Promise<Refusal | undefined>;
  /** Sends a DELETE with force. What is not there is deleted. */
  deleteMachine(name: MachineName): Promise<void>;
}

/** How far a managed run command is. */
export interface ScriptResult {
  readonly isDone: boolean;
  readonly exitCode?: number;
  /** Standard output and then standard error, at most the last 4 KB of each. */
  readonly output: string;
}

/** What proves that a machine has started. */
export interface StartProofs {
  getScriptResult(name: MachineName): Promise<ScriptResult | undefined>;
  startScript(
    name: MachineName,
    plan: Pick<MachinePlan, "region" | "osType">,
    script: string,
    timeoutSeconds: number,
  ): Promise<Refusal | undefined>;
  /** All of it, or its end; undefined where Azure has none yet. The address that it is read from is kept nowhere. */
  getSerialLog(name: MachineName): Promise<string | undefined>;
}

/** A disk or a network interface, or a machine: what is found by its tag. */
export interface MachinePart {
  readonly id: string;
  /** Canonical region. */
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Id of the machine that has it. */
  readonly attachedTo?: string;
}

/** What a machine is made of, and leaves behind. */
export interface MachineParts {
  getDisk(id: string, lun: number | undefined): Promise<TestedDisk | undefined>;
  /** Ids of a resource group's resources with a tag, and with its value where one is given; none where there is no such group. */
  listTagged(
    group: Omit<MachineName, "name">,
    tag: string,
    value?: string,
  ): Promise<readonly string[]>;
  /** Undefined also for what is neither machine, disk nor network interface. */
  getPart(id: string): Promise<MachinePart | undefined>;
  /** Of a disk, network interface or machine. What is not there is deleted. */
  deletePart(id: string): Promise<void>;
}

/** How many tests and machines there are: one for the deployment. */
export interface TestCounts {
  readonly imageId: string;
  /** The UTC day of `tests`. */
  readonly day: string;
  /** By caller. */
  readonly tests: Readonly<Record<string, number>>;
  /** Machines of tests that may not have ended, by the key of their record. */
  readonly open: Readonly<Record<string, { readonly machines: number; readonly since: string }>>;
}

export interface TestLimits {
  readonly machines: number;
  readonly testsPerDay: number;
  readonly counts: Pick<ImageDocuments<TestCounts>, "read" | "put">;
}

/** What the tests of image versions need. */
export interface TestDependencies
  extends
    OperationDependencies<TestRecord>,
    Pick<TestResultDependencies, "beforeResult" | "onResult">,
    Pick<Dependencies, "resourceManager" | "resources" | "looks" | "subscriptions" | "objections"> {
  readonly profiles: Pick<ImageDocuments<TestProfile>, "read">;
  /** What the profile is proven with before each test. */
  readonly machineReader: MachineReader;
  readonly machines: TestMachines;
  readonly proofs: StartProofs;
  readonly parts: MachineParts;
  /** Where the results count as those of any test. */
  readonly results: TestResults;
  /** What machines cost, as far as the operator says it. */
  readonly prices?: MachinePrices;
  /** Without it no test is accepted. */
  readonly makesMachines: boolean;
  readonly limits: TestLimits;
}

import type { components } from "../generated/openapi.js";

/** The answer of the API. */
export type MachineCommandsView = components["schemas"]["MachineCommands"];

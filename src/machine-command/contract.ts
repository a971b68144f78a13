import type { components } from "../generated/openapi.js";

/** What the API answers. */
export type MachineCommandsView = components["schemas"]["MachineCommands"];

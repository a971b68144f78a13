import { Agent } from "node:http";

// Tests make hundreds of calls at once. The agents of Azure's SDKs would open a connection for each, and close it when it has
// idled for some seconds: handshakes were a quarter of the crash tests' time. A preflight's sixteen reads still run at once.
Object.assign(Agent, { defaultMaxSockets: 32 });

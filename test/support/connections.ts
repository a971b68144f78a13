import http from "node:http";
import https from "node:https";

// Tests make hundreds of calls at once. Each would open a connection, a third of them with a TLS handshake of its own, where
// waiting for one that is open costs less. More than the sixteen reads that a preflight makes at once.
for (const { globalAgent } of [http, https]) globalAgent.maxSockets = 32;

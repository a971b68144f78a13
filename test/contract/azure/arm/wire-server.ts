import { afterAll, beforeAll, beforeEach } from "vitest";
import { createServer } from "node:https";
import type { ResourceManagerOptions } from "../../../../src/azure/arm/client.js";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { closeServer, listen } from "@sigil-local/token-issuer/listening";
import { ARM_SCOPE } from "../../../support/dependencies.js";

export const NOW = Date.UTC(2026, 0, 1);

/** One request as it came over the wire. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** Stands where ARM stands, says what it is told to, and keeps what it hears. */
export interface WireServer {
  readonly endpoint: string;
  received: Received[];
  /** Undefined: never answered. */
  reply: Reply | ((request: Received) => Reply) | "hangs up" | undefined;
  /** Options of an adapter that speaks to it at the time `NOW`. */
  options(timeoutMs?: number): ResourceManagerOptions;
  close(): Promise<void>;
}

export async function startWireServer(): Promise<WireServer> {
  const tls = await createCertificateAuthority(process.env["SIGIL_TEST_CERTIFICATES"] ?? "");
  const server = createServer(tls, (request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      const received: Received = {
        method: request.method ?? "",
        url: request.url ?? "",
        authorization: request.headers.authorization,
        body: text === "" ? undefined : (JSON.parse(text) as unknown),
      };
      wire.received.push(received);
      const { reply } = wire;
      if (reply === undefined) return;
      if (reply === "hangs up") return void request.socket.destroy();
      const { status, headers, body } = typeof reply === "function" ? reply(received) : reply;
      response.writeHead(status, {
        "Content-Type": "application/json",
        ...headers,
      });
      response.end(typeof body === "string" ? body : JSON.stringify(body ?? {}));
    });
  });
  const endpoint = `https://localhost:${await listen(server, 0, "ARM")}`;
  const wire: WireServer = {
    endpoint,
    received: [],
    reply: { status: 200 },
    options: (timeoutMs = 60_000) => ({
      endpoint,
      scope: ARM_SCOPE,
      credential: {
        getToken: (scopes) =>
          Promise.resolve({
            token: `token-for-${String(scopes)}`,
            expiresOnTimestamp: Date.now() + 3_600_000,
          }),
      },
      timeoutMs,
      now: () => new Date(NOW),
    }),
    close: () => closeServer(server),
  };
  return wire;
}

/** One for all tests; `use` is given it before each, which finds it as it is at first. */
export function onWire(use: (wire: WireServer) => void): void {
  let wire: WireServer;
  beforeAll(async () => {
    wire = await startWireServer();
  });
  afterAll(() => wire.close());
  beforeEach(() => {
    wire.received = [];
    wire.reply = { status: 200 };
    use(wire);
  });
}

/** ARM's error body. */
export function refused(code: string, message = "No.", target?: string): unknown {
  return { error: { code, message, ...(target && { target }) } };
}

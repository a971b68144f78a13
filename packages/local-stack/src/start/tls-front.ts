import { request } from "node:http";
import { createServer } from "node:https";
import type { LocalCertificates } from "@sigil-local/token-issuer/certificates";
import { closeServer, listen } from "@sigil-local/token-issuer/listening";

export interface TlsFront {
  /** Such as `https://localhost:7443`. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Addresses of its own in an answer, which a host behind it knows as http. */
const ADDRESSES = ["location", "operation-location"];

/** Ends TLS in front of a host, as Azure's front end does: Azure's SDKs send no token without it. 0 takes any free port. */
export async function startTlsFront(
  host: string,
  { key, cert }: LocalCertificates,
  port = 0,
): Promise<TlsFront> {
  const server = createServer({ key, cert }, (incoming, outgoing) => {
    const { method, headers, url = "/" } = incoming;
    const forwarded = request(new URL(url, host), { method, headers }, (answer) => {
      for (const name of ADDRESSES) {
        const value = answer.headers[name];
        if (typeof value === "string") answer.headers[name] = value.replace(/^http:/u, "https:");
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  const taken = await listen(server, port, "HTTPS");
  return { origin: `https://localhost:${taken}`, close: () => closeServer(server) };
}

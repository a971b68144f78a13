import { request } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";

export interface TlsFront {
  readonly origin: string;
  /** The file with the certificate to trust, PEM. */
  readonly caFile: string;
  close(): Promise<void>;
}

/** Addresses of its own in an answer, which a host behind it knows as http. */
const ADDRESSES = ["location", "operation-location"];

/** Ends TLS in front of a host, as Azure's front end does: Azure's SDKs send no token without it. */
export async function startTlsFront(host: string): Promise<TlsFront> {
  const { key, cert, caFile } = await createCertificateAuthority(
    process.env["SIGIL_TEST_CERTIFICATES"] ?? "",
  );
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
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    caFile,
    async close() {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

export const LOOPBACK = "127.0.0.1";

/**
 * Listens on loopback, unless told otherwise, and gives the port; a taken port is one clear line, not a stack of socket errors. Idle
 * connections stay open: a client that uses one in the moment in which it is closed sees a reset.
 */
export async function listen(
  server: Server,
  port: number,
  what: string,
  host = LOOPBACK,
): Promise<number> {
  server.keepAliveTimeout = 0;
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EADDRINUSE")
      throw new Error(
        `${what}: port ${port} on ${host} is taken by another process; choose another one (0 takes any free port)`,
        { cause },
      );
    throw cause;
  }
  return (server.address() as AddressInfo).port;
}

/** Ends every connection and waits until the server is closed; a second call does nothing. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

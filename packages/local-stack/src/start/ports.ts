/** Each port of the local stack: the option that moves it, and where it is unless moved. */
export const PORTS = {
  api: { option: "api-port", standard: 7071 },
  https: { option: "https-port", standard: 7443 },
  serviceBus: { option: "service-bus-port", standard: 5672 },
  resourceManager: { option: "resource-manager-port", standard: 8443 },
  tokenIssuer: { option: "token-issuer-port", standard: 8444 },
  managedIdentity: { option: "managed-identity-port", standard: 8445 },
  tables: { option: "tables-port", standard: 10002 },
} as const;

export type PortName = keyof typeof PORTS;
export type Ports = Readonly<Record<PortName, number>>;

/** One line for a port that something else listens on; undefined for any other error. */
export function explainTakenPort(error: unknown, ports: Ports): string | undefined {
  const port = takenPort(error);
  if (port === undefined) return undefined;
  const option = Object.entries(PORTS).find(([name]) => ports[name as PortName] === port)?.[1]
    .option;
  return `Port ${port} is taken: stop what listens there, or choose another one with --${option ?? "…-port"} N (0 takes any free one).`;
}

function takenPort(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === "EADDRINUSE") return port;
  // The functions host is another process: what it printed is all there is.
  const printed = /\bport (\d+) is taken/u.exec(error.message)?.[1];
  return takenPort(error.cause) ?? (printed ? Number(printed) : undefined);
}

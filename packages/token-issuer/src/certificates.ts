import { X509Certificate, createPrivateKey, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { generate } from "selfsigned";
import { systemClock, type Clock } from "@sigil-local/clock";

const DAY_MS = 24 * 60 * 60 * 1000;
const LIFETIME_MS = 365 * DAY_MS;
/** A certificate with less left than this is replaced, so that none expires under a running stack. */
const LEAST_REMAINING_MS = 7 * DAY_MS;

const NAMES = {
  authority: "ca.pem",
  certificate: "localhost.pem",
  key: "localhost-key.pem",
} as const;

/**
 * The files of a TLS server, and the one that makes Node trust it through `NODE_EXTRA_CA_CERTS`.
 */
export interface LocalCertificates {
  /** Absolute path of the authority's certificate, PEM. */
  readonly caFile: string;
  /** The server's private key, PEM. */
  readonly key: string;
  /** The server's certificate for localhost, 127.0.0.1 and ::1, followed by its authority's, PEM. */
  readonly cert: string;
}

/**
 * Gives a certificate for localhost and the authority that signed it, kept in `directory`; makes new ones when there
 * are none or they have less than seven days left. The authority's own key is never stored: it signs once.
 */
export async function createCertificateAuthority(
  directory: string,
  clock: Clock = systemClock,
): Promise<LocalCertificates> {
  const root = path.resolve(directory);
  return (await readUsable(root, clock)) ?? (await issue(root, clock));
}

async function readUsable(root: string, clock: Clock): Promise<LocalCertificates | undefined> {
  try {
    const caFile = path.join(root, NAMES.authority);
    const [ca, cert, key] = await Promise.all([
      readFile(caFile, "utf8"),
      readFile(path.join(root, NAMES.certificate), "utf8"),
      readFile(path.join(root, NAMES.key), "utf8"),
    ]);
    const authority = new X509Certificate(ca);
    const leaf = new X509Certificate(cert);
    const usable =
      leaf.verify(authority.publicKey) &&
      leaf.checkPrivateKey(createPrivateKey(key)) &&
      [authority, leaf].every(
        ({ validTo }) => Date.parse(validTo) - clock.now() > LEAST_REMAINING_MS,
      );
    return usable ? { caFile, key, cert } : undefined;
  } catch {
    // Absent, or cut short by a crash while it was written: the answer to both is a new one.
    return undefined;
  }
}

async function issue(root: string, clock: Clock): Promise<LocalCertificates> {
  // An hour back, for clocks that disagree a little (a container and its host).
  const notBeforeDate = new Date(clock.now() - DAY_MS / 24);
  const notAfterDate = new Date(clock.now() + LIFETIME_MS);
  const shared = {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate,
    notAfterDate,
  } as const;

  const authority = await generate(
    // A name of its own: among several trusted authorities a client finds a certificate's issuer by its name.
    [
      {
        name: "commonName",
        value: `Sigil local stack authority ${randomUUID()}`,
      },
    ],
    {
      ...shared,
      extensions: [
        {
          name: "basicConstraints",
          cA: true,
          pathLenConstraint: 0,
          critical: true,
        },
        { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
      ],
    },
  );
  const leaf = await generate([{ name: "commonName", value: "localhost" }], {
    ...shared,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
          { type: 7, ip: "::1" },
        ],
      },
    ],
  });

  const caFile = path.join(root, NAMES.authority);
  const cert = `${leaf.cert.trim()}\n${authority.cert.trim()}\n`;
  await mkdir(root, { recursive: true, mode: 0o700 });
  await replace(path.join(root, NAMES.key), leaf.private, 0o600);
  await replace(path.join(root, NAMES.certificate), cert, 0o644);
  await replace(caFile, `${authority.cert.trim()}\n`, 0o644);
  return { caFile, key: leaf.private, cert };
}

/** Another process never reads half a file: it sees the old one or the new one. */
async function replace(file: string, content: string, mode: number): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, content, { mode });
  await rename(temporary, file);
}

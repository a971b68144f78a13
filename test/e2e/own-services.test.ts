import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { startHostProcess } from "@sigil-local/functions-host/process";
import { readEmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import { startLocalServices, type LocalServices } from "@sigil-local/stack/services";
import { createApiClient, type Operation } from "../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FAST = {
  SIGIL_POLL_INITIAL_SECONDS: "0.1",
  SIGIL_POLL_MAX_SECONDS: "0.4",
  SIGIL_CONFIRM_SECONDS: "0.2",
};
const closers: (() => Promise<unknown>)[] = [];
/** Services that the stack of each test finds there already. */
let own: LocalServices;

async function services(environment: Readonly<Record<string, string>>): Promise<LocalServices> {
  return await startLocalServices({
    environment,
    serviceBusConfiguration: await readEmulatorConfiguration(
      path.join(ROOT, "infra/service-bus-emulator.json"),
    ),
    certificatesDirectory: process.env["SIGIL_TEST_CERTIFICATES"] ?? "",
    simulator: { replication: { durationMs: 500 } },
  });
}

beforeAll(async () => {
  own = await services({});
});
afterAll(() => own.close());
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Which of the own services' settings the environment has; what is started beside them; whether it works together. */
const MIXES: readonly (readonly [
  name: string,
  settings: readonly string[],
  started: readonly (keyof LocalServices)[],
])[] = [
  ["Service Bus", ["ServiceBusConnection"], ["tables", "tokenIssuer", "resourceManager"]],
  [
    "the storage account",
    ["AzureWebJobsStorage"],
    ["serviceBus", "tokenIssuer", "resourceManager"],
  ],
  [
    "Azure Resource Manager, with the identity that it knows",
    ["SIGIL_RESOURCE_MANAGER_ENDPOINT", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"],
    ["serviceBus", "tables", "tokenIssuer"],
  ],
  [
    "the token issuer; the ARM simulator still needs one for the managed identity",
    ["SIGIL_TOKEN_ISSUER", "SIGIL_TOKEN_AUDIENCE"],
    ["serviceBus", "tables", "tokenIssuer", "resourceManager"],
  ],
  [
    "everything",
    [
      "ServiceBusConnection",
      "AzureWebJobsStorage",
      "SIGIL_RESOURCE_MANAGER_ENDPOINT",
      "IDENTITY_ENDPOINT",
      "IDENTITY_HEADER",
      "SIGIL_TOKEN_ISSUER",
      "SIGIL_TOKEN_AUDIENCE",
    ],
    [],
  ],
];

test.each(MIXES.map((mix, i) => [...mix, i] as const))(
  "leaves out the stand-in of what the environment names: %s",
  async (_, names, started, i) => {
    const environment = Object.fromEntries(names.map((name) => [name, own.settings[name] ?? ""]));
    const stack = await services(environment);
    closers.push(() => stack.close());
    const parts = ["serviceBus", "tables", "tokenIssuer", "resourceManager"];
    expect(parts.filter((part) => stack[part as keyof LocalServices] !== undefined)).toEqual(
      parts.filter((part) => started.includes(part as never)),
    );
    for (const name of names) expect(stack.settings).not.toHaveProperty(name);
    // Whatever is named is reached by its setting alone: all at once prove each.
    if (started.length > 0) return;

    const host = await startHostProcess({
      scriptRoot: ROOT,
      environment: {
        ...process.env,
        ...FAST,
        ...environment,
        ...stack.settings,
      },
    });
    closers.push(() => host.stop());
    const issuer = names.includes("SIGIL_TOKEN_ISSUER") ? own : stack;
    const api = createApiClient(
      host.origin,
      await issuer.tokenIssuer?.issueToken({ roles: ["ImageVersions.Write"] }),
    );
    const { status, headers } = await api.put(seedVersionId(`1.0.${i}`), managedImageRequest());
    expect(status).toBe(202);
    const address = headers.get("operation-location") ?? "";
    await expect
      .poll(async () => (await api.request<Operation>("GET", address)).body.status, {
        interval: 100,
      })
      .toBe("Succeeded");
  },
);

test("trusts the authorities of the environment beside its own", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "sigil-ca-"));
  closers.push(() => rm(directory, { recursive: true }));
  const company = await createCertificateAuthority(directory);

  const stack = await services({ NODE_EXTRA_CA_CERTS: company.caFile });
  closers.push(() => stack.close());

  const bundle = await readFile(stack.settings["NODE_EXTRA_CA_CERTS"] ?? "", "utf8");
  const fingerprints = bundle
    .split(/(?=-----BEGIN)/u)
    .filter((part) => part.trim() !== "")
    .map((pem) => new X509Certificate(pem).fingerprint256);
  const of = async (file: string): Promise<string> =>
    new X509Certificate(await readFile(file)).fingerprint256;
  expect(fingerprints).toEqual([await of(company.caFile), await of(stack.certificates.caFile)]);
  // Of two authorities a client takes the right one.
  const { issuer } = stack.tokenIssuer ?? { issuer: "" };
  const answer = get(`${issuer}/.well-known/openid-configuration`, {
    ca: bundle,
  });
  const [response] = (await once(answer, "response")) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(200);
});

/** infra/register-app.mjs, against as much of Microsoft Graph as it needs: by the real az where there is one, and without. */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { logInWithAz } from "../../support/azure-cli.js";
import { startGraph, type Graph } from "../../support/graph.js";

const run = promisify(execFile);
const PERSON = "66666666-6666-6666-6666-666666666666";
const AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/** As much of az as the script uses, in place of the real one: it knows no login. */
const AZ = `#!/usr/bin/env node
const args = process.argv.slice(2);
const option = (name) => args[args.indexOf(name) + 1];
if (args[0] === "cloud")
  console.log(JSON.stringify({ endpoints: { microsoftGraphResourceId: process.env.GRAPH + "/" } }));
else {
  const body = args.includes("--body") ? { body: option("--body") } : {};
  const response = await fetch(option("--url"), { method: option("--method"), ...body });
  const text = await response.text();
  if (response.ok) console.log(text);
  else { console.error(text); process.exit(1); }
}
`;

let folder: string;
let graph: Graph;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "sigil-az-"));
  await writeFile(path.join(folder, "package.json"), '{"type":"module"}');
  await writeFile(path.join(folder, "az"), AZ);
  await chmod(path.join(folder, "az"), 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  graph = await startGraph();
});
afterEach(() => graph.close());

async function register(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ["infra/register-app.mjs", ...args], {
    env: {
      ...process.env,
      PATH: `${folder}:${path.dirname(process.execPath)}:${process.env["PATH"]}`,
      GRAPH: graph.origin,
    },
  });
  return stdout;
}

describe("registers the API", () => {
  test("with roles and scopes, tokens of version 2, az, device code and pages, and lets in whoever is assigned alone", async () => {
    const printed = await register(
      "--spa=https://sigil.example/api/ui/",
      `--assign=ImageVersions.Write=${PERSON}`,
    );
    const [application] = graph.applications;
    const [principal] = graph.principals;
    expect(printed).toBe(
      `SIGIL_TOKEN_AUDIENCE=${application?.appId}\nSIGIL_UI_CLIENT_ID=${application?.appId}\n`,
    );
    const names = ["Read", "Write", "Admin", "Approve"].map((role) => `ImageVersions.${role}`);
    expect(application).toMatchObject({
      displayName: "Sigil",
      identifierUris: [`api://${application?.appId}`],
      api: { requestedAccessTokenVersion: 2 },
      spa: { redirectUris: ["https://sigil.example/api/ui/"] },
      isFallbackPublicClient: true,
    });
    const { appRoles = [], api, requiredResourceAccess } = application ?? {};
    expect(requiredResourceAccess).toEqual([
      {
        resourceAppId: application?.appId,
        resourceAccess: appRoles.map(({ id }) => ({ id, type: "Scope" })),
      },
    ]);
    expect(appRoles.map(({ value }) => value)).toEqual(names);
    expect(api?.oauth2PermissionScopes?.map(({ value }) => value)).toEqual(names);
    expect(api?.preAuthorizedApplications).toEqual([
      {
        appId: AZURE_CLI,
        delegatedPermissionIds: appRoles.slice(0, 2).map(({ id }) => id),
      },
    ]);
    expect(principal?.appRoleAssignmentRequired).toBe(true);
    expect(principal?.appRoleAssignedTo).toMatchObject([
      { principalId: PERSON, appRoleId: appRoles[1]?.id },
    ]);
  });

  test("and changes nothing when it is run again", async () => {
    const args = [`--assign=ImageVersions.Read=${PERSON}`];
    const first = await register(...args);
    const [application, principal] = [
      structuredClone(graph.applications),
      structuredClone(graph.principals),
    ];
    expect(await register(...args)).toBe(first);
    expect(graph.applications).toEqual(application);
    expect(graph.principals).toEqual(principal);
  });

  test("and keeps what others have added, and ids that were given by hand", async () => {
    await register();
    const [application] = graph.applications;
    if (application === undefined) throw new TypeError("none was made");
    const byHand = (permission: { value: string }): object =>
      permission.value === "ImageVersions.Read" ? { ...permission, id: PERSON } : permission;
    const other = { id: "other", value: "Other.Role", isEnabled: true };
    graph.applications[0] = {
      ...application,
      appRoles: [...(application.appRoles ?? []).map(byHand), other],
      api: {
        ...application.api,
        oauth2PermissionScopes: (application.api?.oauth2PermissionScopes ?? []).map(byHand),
        preAuthorizedApplications: [{ appId: "own client", delegatedPermissionIds: [PERSON] }],
      },
    } as typeof application;
    await register("--spa=https://other.example/");
    const [kept] = graph.applications;
    expect(kept?.appRoles?.map(({ id }) => id)).toContain("other");
    expect(kept?.appRoles?.[0]?.id).toBe(PERSON);
    expect(kept?.api?.preAuthorizedApplications?.map(({ appId }) => appId)).toEqual([
      AZURE_CLI,
      "own client",
    ]);
    expect(kept?.spa?.redirectUris).toEqual(["https://other.example/"]);
  });

  test("and stops where two have the name, or a role is none", async () => {
    await expect(register(`--assign=ImageVersions.Own=${PERSON}`)).rejects.toThrow(
      "--assign ImageVersions.Own=",
    );
    graph.applications.push(
      ...[1, 2].map((id) => ({
        id: String(id),
        appId: String(id),
        displayName: "Two",
      })),
    );
    await expect(register("--name=Two")).rejects.toThrow("There are 2 applications named Two");
  });
});

describe("with the real az", needs("az"), () => {
  test(
    "registers the API, and changes nothing when it is run again",
    { timeout: 180_000 },
    async () => {
      const az = await logInWithAz(graph.origin);
      try {
        const script = ["infra/register-app.mjs", `--assign=ImageVersions.Read=${PERSON}`];
        const first = await run(process.execPath, script, { env: az.env });
        expect(first.stdout).toBe(`SIGIL_TOKEN_AUDIENCE=${graph.applications[0]?.appId}\n`);
        const registered = structuredClone(graph.applications);
        expect(registered).toHaveLength(1);
        const second = await run(process.execPath, script, { env: az.env });
        expect(second.stdout).toBe(first.stdout);
        expect(graph.applications).toEqual(registered);
        expect(graph.principals[0]?.appRoleAssignedTo).toHaveLength(1);
      } finally {
        await az.close();
      }
    },
  );
});

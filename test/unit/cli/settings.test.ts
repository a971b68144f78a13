import { mkdtemp, readFile, rm, writeFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gitHubToken, signInOf, tokens } from "../../../src/cli/src/sign-in.js";
import type { Io } from "../../../src/cli/src/io.js";
import { runLine } from "./command-line.js";
import { naming } from "../../support/naming.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "sigil-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("what is kept", () => {
  it("is used where nothing else is said", async () => {
    const environment = { SIGIL_CONFIG_DIR: folder, SIGIL_SUBSCRIPTION: "" };
    const configured = await runLine(
      "configure --endpoint https://kept.example --defaults group=G gallery=Y image=I subscription=00000000-0000-4000-8000-000000000001",
      () => new Error(),
      { environment },
    );
    expect(configured.code).toBe(0);
    expect(JSON.parse(await readFile(path.join(folder, "config.json"), "utf8"))).toMatchObject({
      endpoint: "https://kept.example",
      gallery: "Y",
    });
    const shown = await runLine("configure --query gallery", () => new Error(), {
      environment,
    });
    expect([shown.stdout, shown.stderr]).toEqual(['"Y"\n', ""]);
    const list = await runLine("image-version list", () => [200, { value: [] }], {
      environment: { ...environment, SIGIL_GALLERY: "Z" },
    });
    expect(list.requests[0]?.path).toContain("/resourceGroups/G/galleries/Z/images/I/versions");
    const emptied = await runLine("configure --defaults image=", () => new Error(), {
      environment,
    });
    expect(JSON.parse(emptied.stdout)).not.toHaveProperty("image");
  });

  it("is for its owner alone, also where the file was there for all", async () => {
    const SIGIL_CONFIG_DIR = await mkdtemp(path.join(folder, "mode-"));
    const file = path.join(SIGIL_CONFIG_DIR, "config.json");
    await writeFile(file, "{}", { mode: 0o644 });
    await runLine("configure --defaults group=G", () => new Error(), {
      environment: { SIGIL_CONFIG_DIR },
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it.each(["null", "[1]", '{"endpoint":5}', '"text"'])(
    "is not taken where the file has %s",
    async (text) => {
      const SIGIL_CONFIG_DIR = await mkdtemp(path.join(folder, "wrong-"));
      await writeFile(path.join(SIGIL_CONFIG_DIR, "config.json"), text);
      const { code, stderr } = await runLine("configure", () => new Error(), {
        environment: { SIGIL_CONFIG_DIR },
      });
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining(path.join(SIGIL_CONFIG_DIR, "config.json")),
      ]);
    },
  );

  it.each([
    "https://me:secret@sigil.example",
    "https://sigil.example/?a=b",
    "https://sigil.example/#c",
  ])("the endpoint is not %s", async (SIGIL_ENDPOINT) => {
    const { code, stderr, requests } = await runLine("operation list", () => new Error(), {
      environment: { SIGIL_ENDPOINT },
    });
    expect([code, requests]).toEqual([2, []]);
    expect(stderr).not.toContain("secret");
  });

  it("a token of more than one line is not sent, and not shown", async () => {
    const { code, stderr, requests } = await runLine("operation list", () => new Error(), {
      environment: { SIGIL_ACCESS_TOKEN: "secret\nsecret" },
    });
    expect([code, requests]).toEqual([2, []]);
    expect(stderr).toContain("SIGIL_ACCESS_TOKEN");
    expect(stderr).not.toContain("secret");
    const { requests: sent } = await runLine("operation list", () => [200, { value: [] }], {
      environment: { SIGIL_ACCESS_TOKEN: "token\r\n" },
    });
    expect(sent[0]?.headers.get("Authorization")).toBe("Bearer token");
  });

  it("of az is its default subscription, and the names of others", async () => {
    const subscriptions = [
      {
        id: "00000000-0000-4000-8000-000000000002",
        name: "Production",
        isDefault: false,
      },
      {
        id: "00000000-0000-4000-8000-000000000003",
        name: "Test",
        isDefault: true,
      },
    ];
    await writeFile(
      path.join(folder, "azureProfile.json"),
      `\uFEFF${JSON.stringify({ subscriptions })}`,
    );
    const environment = { AZURE_CONFIG_DIR: folder };
    const asked = async (line: string, more = {}): Promise<string> => {
      const { requests, stderr } = await runLine(
        `subscription show ${line}`,
        () => [200, { registrations: [] }],
        { environment: { ...environment, ...more } },
      );
      return requests[0]?.path ?? stderr;
    };
    expect(await asked("--subscription production")).toContain("0002/prepare");
    expect(await asked("", { SIGIL_SUBSCRIPTION: "test" })).toContain("0003/prepare");
  });
});

describe("how to sign in", () => {
  const application = { AZURE_TENANT_ID: "t", AZURE_CLIENT_ID: "c" };
  it.each([
    [{}, undefined],
    [{ SIGIL_SIGN_IN: "az" }, "az"],
    [{ ...application, AZURE_CLIENT_SECRET: "s" }, "environment"],
    [{ ...application, AZURE_FEDERATED_TOKEN_FILE: "f" }, "workload-identity"],
    [{ ...application, ACTIONS_ID_TOKEN_REQUEST_URL: "u" }, "github"],
    [
      {
        ...application,
        SYSTEM_OIDCREQUESTURI: "u",
        AZURESUBSCRIPTION_SERVICE_CONNECTION_ID: "i",
      },
      "azure-pipelines",
    ],
    [{ ACTIONS_ID_TOKEN_REQUEST_URL: "u" }, undefined],
    [{ IDENTITY_ENDPOINT: "e" }, "managed-identity"],
  ])("of %j is %s", (environment, signIn) => {
    expect(signInOf(environment)).toBe(signIn);
  });

  it("a token is kept until five minutes before it expires", async () => {
    let now = 0;
    let asked = 0;
    const token = tokens(
      {
        environment: { SIGIL_SCOPE: "api://sigil/.default" },
        interrupted: new AbortController().signal,
      } as unknown as Io,
      {},
      {
        now: () => now,
        credential: () =>
          Promise.resolve({
            getToken: (scope) => {
              expect(scope).toBe("api://sigil/.default");
              asked += 1;
              return asked === 3
                ? Promise.reject(new Error("Please run az login.\n at …"))
                : Promise.resolve({
                    token: `token ${asked}`,
                    expiresOnTimestamp: now + 3_600_000,
                  });
            },
          }),
      },
    );
    expect(await token()).toBe("token 1");
    now = 54 * 60_000;
    expect(await token()).toBe("token 1");
    now = 55 * 60_000;
    expect(await token()).toBe("token 2");
    now = 24 * 3_600_000;
    await expect(token()).rejects.toThrow(
      "Not signed in: Please run az login.\nSign in with az login",
    );
  });

  it("is refused where it is none", () => {
    expect(() => signInOf({ SIGIL_SIGN_IN: "password" })).toThrow(
      expect.objectContaining({
        message: naming([
          "SIGIL_SIGN_IN",
          "environment",
          "workload-identity",
          "github",
          "azure-pipelines",
          "managed-identity",
          "az",
          "device-code",
          "password",
        ]),
      }),
    );
  });

  it("on GitHub asks for a token of the workflow", async () => {
    const environment = {
      ACTIONS_ID_TOKEN_REQUEST_URL: "https://actions.example/token?v=1",
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "runtime",
    };
    const io = (status: number): Io =>
      ({
        environment,
        fetch: (address: URL, init: RequestInit) => {
          expect(address.href).toBe(
            "https://actions.example/token?v=1&audience=api%3A%2F%2FAzureADTokenExchange",
          );
          expect(init.headers).toEqual({ Authorization: "Bearer runtime" });
          return Promise.resolve(Response.json({ value: "oidc" }, { status }));
        },
      }) as unknown as Io;
    expect(await gitHubToken(io(200))).toBe("oidc");
    await expect(gitHubToken(io(403))).rejects.toThrow("id-token: write");
  });
});

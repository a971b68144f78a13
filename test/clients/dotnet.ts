import { execFile, spawnSync } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROGRAMS = fileURLToPath(new URL("programs/", import.meta.url));

export const HAS_DOTNET = spawnSync("dotnet", ["--version"], { stdio: "ignore" }).status === 0;

/** A tool of NuGet's that writes a client into the folder `generated`, of the document at an address. */
interface Generator {
  readonly package: string;
  readonly version: string;
  readonly command: string;
  readonly arguments: (document: string) => readonly string[];
}

const GENERATORS: Readonly<Record<string, Generator>> = {
  kiota: {
    package: "Microsoft.OpenApi.Kiota",
    version: "1.38.0",
    command: "kiota",
    arguments: (document) => [
      "generate",
      "--language=CSharp",
      `--openapi=${document}`,
      "--output=generated",
      "--class-name=SigilClient",
      "--namespace-name=Sigil.Client",
    ],
  },
  nswag: {
    package: "NSwag.ConsoleCore",
    version: "14.7.1",
    command: "nswag",
    arguments: (document) => [
      "openapi2csclient",
      `/input:${document}`,
      "/output:generated/SigilClient.cs",
      "/namespace:Sigil.Client",
      "/className:SigilClient",
    ],
  },
};

/** Folders of .NET programs, each with its packages; everything that dotnet and NuGet put anywhere is in them. */
export class DotnetPrograms {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  static async create(): Promise<DotnetPrograms> {
    return new DotnetPrograms(await mkdtemp(path.join(tmpdir(), "sigil-dotnet-")));
  }

  /** Builds the program of that name, with a client that its generator writes of `document`, where it has one. */
  async build(name: string, document: string): Promise<void> {
    const folder = path.join(this.#root, name);
    await cp(path.join(PROGRAMS, name), folder, { recursive: true });
    const generator = GENERATORS[name];
    if (generator !== undefined) {
      await this.#run(folder, "dotnet", [
        "tool",
        "install",
        generator.package,
        `--version=${generator.version}`,
        "--tool-path=../tools",
      ]);
      await this.#run(
        folder,
        path.join(this.#root, "tools", generator.command),
        generator.arguments(document),
      );
    }
    await this.#run(folder, "dotnet", ["build", "--output", "built"]);
  }

  /** Runs a program that was built, and resolves with what it wrote. */
  run(name: string, environment: Readonly<Record<string, string>>): Promise<string> {
    const folder = path.join(this.#root, name);
    return this.#run(folder, "dotnet", ["built/client.dll"], environment);
  }

  close(): Promise<void> {
    return rm(this.#root, { recursive: true, force: true });
  }

  async #run(
    cwd: string,
    program: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const within = (name: string): string => path.join(this.#root, name);
    try {
      const { stdout } = await promisify(execFile)(program, args, {
        cwd,
        maxBuffer: Infinity,
        env: {
          ...process.env,
          DOTNET_CLI_HOME: this.#root,
          DOTNET_CLI_TELEMETRY_OPTOUT: "1",
          DOTNET_GENERATE_ASPNET_CERTIFICATE: "false",
          DOTNET_NOLOGO: "1",
          KIOTA_CLI_TELEMETRY_OPTOUT: "1",
          KIOTA_OFFLINE_ENABLED: "true",
          MSBUILDDISABLENODEREUSE: "1",
          NUGET_HTTP_CACHE_PATH: within("http-cache"),
          NUGET_PACKAGES: within("packages"),
          NUGET_PLUGINS_CACHE_PATH: within("plugins-cache"),
          NUGET_SCRATCH: within("scratch"),
          TMPDIR: this.#root,
          UseSharedCompilation: "false",
          ...environment,
        },
      });
      return stdout;
    } catch (error) {
      const { stdout = "", stderr = "" } = error as {
        readonly stdout?: string;
        readonly stderr?: string;
      };
      throw new Error(`${program} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
    }
  }
}

/** What a build does with outputs: a foreign text is never a part of a script, nor a command of the agent. */
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { parse } from "yaml";

const TEMPLATE = "integrations/azure-devops/publish-image-version.yml";

interface Step {
  readonly target?: object;
  readonly bash?: string;
  readonly script?: string;
  readonly run?: string;
  readonly inputs?: { readonly inlineScript?: string };
}

it("the step of the Azure DevOps template that runs sigil may set its outputs, and no more", async () => {
  const { steps } = parse(await readFile(TEMPLATE, "utf8")) as {
    readonly steps: readonly Step[];
  };
  const running = steps.filter((step) => JSON.stringify(step).includes("$SIGIL"));
  expect(running).toHaveLength(1);
  const [{ target, inputs } = {} as Step] = running;
  const script = inputs?.inlineScript ?? "";
  expect(target).toEqual({
    commands: "restricted",
    settableVariables: [...script.matchAll(/task\.setvariable variable=(\w+)/gu)].map(
      ([, name]) => name,
    ),
  });
  // What a restricted step may say: CommandRestriction of azure-pipelines-agent's TaskCommandExtension.cs.
  expect([...script.matchAll(/##vso\[([\w.]+)/gu)].map(([, command]) => command)).toEqual(
    Array.from({ length: 3 }, () => "task.setvariable"),
  );
});

it.each(["integrations/github/README.md", "integrations/azure-devops/README.md"])(
  "%s takes outputs by env",
  async (file) => {
    const text = await readFile(file, "utf8");
    const [, yaml = ""] = /```yaml\n(.*?)```/su.exec(text) ?? [];
    const { steps } = parse(yaml) as { readonly steps: readonly Step[] };
    const scripts = steps.flatMap(({ bash, script, run }) =>
      [bash, script, run].filter((each) => each !== undefined),
    );
    expect(scripts).toEqual(['echo "$VERSION"']);
    expect(JSON.stringify(steps.at(-1))).toContain('"env"');
    expect(text).not.toMatch(/`[^`\n]*sigil [^`\n]*\$[{(]/u);
  },
);

import { useState } from "preact/hooks";
import { Card } from "../components/card.js";
import { SameWithSigil } from "../components/command.js";
import { Segments } from "../components/filters.js";
import { useLoaded } from "../components/loaded.js";
import { Findings, Problem } from "../components/problem.js";
import { useClient } from "../context.js";
import { versionWords } from "../command-line.js";
import { CopyText } from "../create/copy-text.js";
import { imageKey, type ImageName } from "../routes.js";

const FORMS = [
  ["az", "az"],
  ["powerShell", "PowerShell"],
  ["bicep", "Bicep"],
] as const;

/** How a machine is made of exactly this version in a region, with its keys. */
export function MachineCard({
  image,
  version,
  regions,
}: {
  readonly image: ImageName;
  readonly version: string;
  readonly regions: readonly string[];
}) {
  const client = useClient();
  const [chosen, setChosen] = useState(regions[0] ?? "");
  const [form, setForm] = useState<(typeof FORMS)[number][0]>("az");
  const commands = useLoaded(`machine ${imageKey(image)} ${version} ${chosen}`, async (signal) => {
    const { body } = await client.call("getMachineCommands", {
      path: { ...image, versionName: version },
      query: { region: chosen },
      signal,
    });
    return body;
  });
  return (
    <Card
      id="machine"
      title="A machine of this version"
      aside={<Segments label="Written for" options={FORMS} value={form} onChange={setForm} />}
    >
      <div class="pad">
        <label>
          In
          <select value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
            {regions.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        {commands.kind === "loading" && <p role="status">Writing it…</p>}
        {commands.kind === "failed" && <Problem error={commands.error} />}
        {commands.kind === "loaded" && (
          <>
            {commands.value[form] === undefined ? (
              <p class="muted">It cannot be said so.</p>
            ) : (
              <CopyText label="the commands" text={commands.value[form]} />
            )}
            <Findings findings={commands.value.warnings} />
          </>
        )}
      </div>
      <SameWithSigil
        words={["image-version", "machine", ...versionWords(image, version), "--region", chosen]}
      />
    </Card>
  );
}

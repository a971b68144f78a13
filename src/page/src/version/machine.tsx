import { useState } from "preact/hooks";
import { Card } from "../components/card.js";
import { SameWithSigil } from "../components/command.js";
import { Segments, Select } from "../components/filters.js";
import { Loading, useRead } from "../components/loaded.js";
import { Findings } from "../components/problem.js";
import { versionWords } from "../command-line.js";
import { CopyText } from "../create/copy-text.js";
import type { ImageName } from "../routes.js";

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
  const [chosen, setChosen] = useState(regions[0] ?? "");
  const [form, setForm] = useState<(typeof FORMS)[number][0]>("az");
  const commands = useRead("getMachineCommands", {
    path: { ...image, versionName: version },
    query: { region: chosen },
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
          <Select value={chosen} options={regions} onChange={setChosen} />
        </label>
        <Loading of={commands} text="Writing it…">
          {({ [form]: text, warnings }) => (
            <>
              {text === undefined ? (
                <p class="muted">It cannot be said so.</p>
              ) : (
                <CopyText label="the commands" text={text} />
              )}
              <Findings findings={warnings} />
            </>
          )}
        </Loading>
      </div>
      <SameWithSigil
        words={["image-version", "machine", ...versionWords(image, version), "--region", chosen]}
      />
    </Card>
  );
}

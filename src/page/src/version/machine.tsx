import { useState } from "preact/hooks";
import { useLoaded } from "../components/loaded.js";
import { Findings, Problem } from "../components/problem.js";
import { SameWithSigil } from "../components/command.js";
import { useClient } from "../context.js";
import { versionWords } from "../command-line.js";
import { CopyText } from "../create/copy-text.js";
import { imageKey, type ImageName } from "../routes.js";

const FORMS = { az: "az", powerShell: "PowerShell", bicep: "Bicep" } as const;

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
  const [form, setForm] = useState<keyof typeof FORMS>("az");
  const commands = useLoaded(
    `machine ${imageKey(image)} ${version} ${chosen}`,
    async (signal) => {
      const { body } = await client.call("getMachineCommands", {
        path: { ...image, versionName: version },
        query: { region: chosen },
        signal,
      });
      return body;
    },
  );
  return (
    <section class="card" aria-labelledby="machine">
      <header>
        <h2 id="machine" tabIndex={-1}>
          A machine of this version
        </h2>
        <div class="segments" role="group" aria-label="Written for">
          {Object.entries(FORMS).map(([key, name]) => (
            <button
              key={key}
              type="button"
              aria-pressed={form === key}
              onClick={() => setForm(key as keyof typeof FORMS)}
            >
              {name}
            </button>
          ))}
        </div>
      </header>
      <div class="pad">
        <label>
          In
          <select
            value={chosen}
            onChange={(event) => setChosen(event.currentTarget.value)}
          >
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
              <p class="muted">{FORMS[form]} cannot say it.</p>
            ) : (
              <CopyText label="the commands" text={commands.value[form]} />
            )}
            <Findings findings={commands.value.warnings} />
          </>
        )}
      </div>
      <SameWithSigil
        words={[
          "image-version",
          "machine",
          ...versionWords(image, version),
          "--region",
          chosen,
        ]}
      />
    </section>
  );
}

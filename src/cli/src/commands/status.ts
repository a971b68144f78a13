import type { Schemas } from "@sigil/client";
import type { Command, Result } from "../command.js";
import { inCommands } from "../words.js";

type Attention = Schemas["Attention"];
type AttentionList = Schemas["AttentionList"];

export const STATUS: Command = {
  words: "status",
  alias: "overview",
  summary: "Show what needs a person, in all image definitions",
  description: `Lists the most urgent problem of each version and disk encryption set. JSON also has \`also\`, \`counts\` and \`seen\`. The
last line on stderr says how much Sigil has seen. Exit code 9: at least one error. Exit code 8: no error, but a disk encryption set was not
seen in the last two hours, or some image definitions are not read yet. sigil overview is the same command.`,
  options: [
    {
      names: ["--severity"],
      choices: ["error", "warning"],
      help: "List only this severity. The exit code still counts everything.",
    },
  ],
  columns: [
    { title: "Severity", of: ({ severity }: Attention) => severity },
    { title: "What", of: ({ title }: Attention) => title },
    { title: "Since", of: ({ since }: Attention) => since?.slice(0, 16) },
    {
      title: "ToDo",
      of: ({ whatToDo: { command, sentence } }: Attention) => command ?? inCommands(sentence),
    },
  ],
  rows: (data) => (data as AttentionList).value,
  none: "Nothing that was seen needs a person.",
  examples: [
    ["At night", "sigil status -o table"],
    ["Check for errors only, such as for a pager", "sigil status --severity error -o none"],
  ],
  async run({ client, values }) {
    const severity = values.text("--severity") as Attention["severity"] | undefined;
    const value: Attention[] = [];
    let continuationToken: string | undefined;
    for (;;) {
      const { body } = await client.call("getAttention", {
        query: {
          top: 100,
          ...(severity && { severity }),
          ...(continuationToken && { continuationToken }),
        },
      });
      value.push(...body.value);
      ({ continuationToken } = body);
      if (continuationToken !== undefined) continue;
      const { counts, seen, complete } = body;
      return {
        data: { value, counts, seen, complete },
        last: lastLine(body),
        outcome: outcomeOf(body),
      };
    }
  },
};

function outcomeOf({ counts, seen, complete }: AttentionList): NonNullable<Result["outcome"]> {
  if (counts.error > 0) return "broken";
  return seen.neverSets > 0 || !complete ? "inconclusive" : "done";
}

function lastLine({ seen, complete }: AttentionList): string {
  const { oldest, versions, neverVersions, sets, neverSets } = seen;
  return [
    `Seen: ${oldest === undefined ? "" : `oldest ${ageOf(oldest)} ago; `}${neverVersions} of ${versions} versions not seen yet, `,
    `${neverSets} of ${sets} sets not in the last two hours.`,
    complete ? "" : " Some image definitions are not read yet: run the command again.",
  ].join("");
}

function ageOf(time: string): string {
  const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(time)) / 60_000));
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

import type { Schemas } from "@sigil/client";
import type { Command, Result } from "../command.js";
import { inCommands } from "../words.js";

type Attention = Schemas["Attention"];
type AttentionList = Schemas["AttentionList"];

export const STATUS: Command = {
  words: "status",
  alias: "overview",
  summary: "Show what needs a person, in all image definitions",
  description: `Of each version and disk encryption set the most urgent; JSON has the rest in \`also\`, and \`counts\` and \`seen\`. stderr
ends with how much of it Sigil has seen. The exit code is 9 if something is an error; 8 if nothing is, but a disk encryption set was not seen
in the last two hours, or Sigil has yet to read some image definitions. sigil overview is the same.`,
  options: [
    {
      names: ["--severity"],
      choices: ["error", "warning"],
      help: "Only what is one. The exit code is of everything.",
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
  none: "Nothing needs a person, of what was seen.",
  examples: [
    ["At night", "sigil status -o table"],
    ["Whether somebody has to get up", "sigil status --severity error -o none"],
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
    complete ? "" : " Some image definitions are yet to be read: run it again.",
  ].join("");
}

function ageOf(time: string): string {
  const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(time)) / 60_000));
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

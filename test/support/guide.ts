/** What a tutorial or how-to says to type, and what is answered: fenced blocks of a document, in their order. */
import { readFileSync } from "node:fs";

/** A block of `sh`, which a reader runs. */
export interface Step {
  readonly script: string;
  /** `sh fails`: the last command is refused. */
  readonly fails: boolean;
  /** The block right after it, where there is one; `…` stands for anything. */
  readonly answer?: string;
  /** `json` is compared member by member, anything else word by word. */
  readonly isJson?: boolean;
  /** `**sigil**`, `**curl**`: one of several ways to do the same. */
  readonly way?: string;
}

const LINE = {
  fence: /^```(\w*) ?(\w*)$/u,
  way: /^\*\*([\w ]+)\*\*$/u,
  // Of the document, and not shown: what has to be there before, or has to end first.
  hidden: /^<!-- run$/u,
};

/** A block of another language, such as `azurecli`, is not run: what it needs is not on every machine. */
export function stepsOf(file: string): readonly Step[] {
  const steps: Step[] = [];
  const lines = readFileSync(file, "utf8").split("\n");
  let way: string | undefined;
  let mayBeAnswered = false;
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? "";
    const upTo = (end: string): string => {
      const from = i + 1;
      i = lines.indexOf(end, from);
      if (i < 0) throw new Error(`${file}:${from} is not closed`);
      return lines.slice(from, i).join("\n");
    };
    const [, language, how] = LINE.fence.exec(line) ?? [];
    const [, named] = LINE.way.exec(line) ?? [];
    if (LINE.hidden.test(line)) {
      steps.push({ script: upTo("-->"), fails: false });
      mayBeAnswered = false;
    } else if (named !== undefined) {
      way = named;
      mayBeAnswered = false;
    } else if (language === "sh") {
      const script = upTo("```");
      steps.push({ script, fails: how === "fails", ...(way && { way }) });
      mayBeAnswered = true;
    } else if (language !== undefined) {
      const answer = upTo("```");
      const last = steps.at(-1);
      if (mayBeAnswered && last !== undefined && /^(?:json)?$/u.test(language))
        steps.splice(-1, 1, { ...last, answer, isJson: language === "json" });
      mayBeAnswered = false;
    } else if (line !== "") {
      way = undefined;
      mayBeAnswered = false;
    }
  }
  return steps;
}

/** The ways that a document has; one without a name where it has none. */
export function waysOf(steps: readonly Step[]): readonly (string | undefined)[] {
  const named = new Set(steps.flatMap(({ way }) => way ?? []));
  return named.size === 0 ? [undefined] : [...named];
}

/** Whether an answer is what the document says; `…` stands for anything, and in JSON for members and entries that are left out. */
export function isAnswered({ answer = "…", isJson }: Step, text: string): boolean {
  if (isJson === true) return isWithin(JSON.parse(withoutOmissions(answer)), JSON.parse(text));
  const plain = (said: string): string =>
    said
      .replaceAll(/:\d{4,5}\b/gu, ":PORT")
      .replaceAll(/-{3,}/gu, "-")
      .replaceAll(/\s+/gu, " ")
      .trim();
  return like(plain(answer)).test(plain(text));
}

function like(said: string): RegExp {
  const pattern = said
    .split("…")
    .map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`))
    .join("[^]*?");
  return new RegExp(`^${pattern}$`, "u");
}

/** JSON without the `…` outside its strings, and without the commas beside them. */
function withoutOmissions(json: string): string {
  return json
    .replaceAll(/("(?:[^"\\]|\\.)*")|…/gu, (_, string?: string) => string ?? "")
    .replaceAll(/,(?=\s*[,}\]])/gu, "")
    .replaceAll(/(?<=[{[]\s*),/gu, "");
}

/** Every member and entry of what is said is in what was answered. */
function isWithin(said: unknown, answered: unknown): boolean {
  if (typeof said === "string") return said === "…" || like(said).test(String(answered));
  if (Array.isArray(said))
    return (
      Array.isArray(answered) &&
      said.every((entry) => answered.some((each) => isWithin(entry, each)))
    );
  if (typeof said !== "object" || said === null) return said === answered;
  return (
    typeof answered === "object" &&
    answered !== null &&
    Object.entries(said).every(([name, value]) =>
      isWithin(value, (answered as Record<string, unknown>)[name]),
    )
  );
}

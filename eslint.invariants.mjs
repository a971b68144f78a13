/** `Invariants 1 and 2`, with what stands before and after; `of` another file, where they are stated there. */
const CITATION =
  /(?<open>\()?(?<word>\b[Ii]nvariants?) (?<numbers>\d+(?:(?:, | and |, and )\d+)*)(?<file> of \S+\.ts)?(?<end>\)?[.:]?)/gu;
const STATED = /^[\s*/]*(\d+)\. /gmu;
const STATED_ELSEWHERE = /invariants are those of/iu;

/**
 * A stateful module opens with numbered invariants, and cites them where they are enforced: `Invariant 2.` as a sentence of
 * its own, or `Invariant 2: why it holds here.` Whoever reads one finds the other.
 */
export const citedInvariants = {
  meta: {
    type: "suggestion",
    fixable: "code",
    schema: [],
    messages: {
      form: "Cite an invariant as `Invariant 2.` or `Invariant 2: why.`, not as `{{ text }}`.",
      unknown: "This file states no invariant {{ number }}.",
    },
  },
  create({ sourceCode, report }) {
    const comments = sourceCode.getAllComments();
    const stating = comments
      .filter(({ value }) => /\binvariants\b/iu.test(value))
      .flatMap((comment) => paragraphOf(comment, comments));
    const stated = new Set(
      stating.flatMap(({ value }) => [...value.matchAll(STATED)].map(([, number]) => number)),
    );
    const elsewhere = stating.some(({ value }) => STATED_ELSEWHERE.test(value));

    return {
      Program() {
        for (const comment of comments)
          for (const found of comment.value.matchAll(CITATION)) {
            const { open, word, numbers, file, end } = found.groups;
            const start = comment.range[0] + 2 + found.index;
            const range = [start, start + found[0].length];
            const loc = {
              start: sourceCode.getLocFromIndex(range[0]),
              end: sourceCode.getLocFromIndex(range[1]),
            };
            if (open !== undefined || word[0] === "i" || !/^[.:]$/u.test(end))
              report({
                loc,
                messageId: "form",
                data: { text: found[0] },
                fix: (fixer) => fixOf(fixer, sourceCode.text, range, found.groups),
              });
            if (file !== undefined || elsewhere) continue;
            for (const [number] of numbers.matchAll(/\d+/gu))
              if (!stated.has(number)) report({ loc, messageId: "unknown", data: { number } });
          }
      },
    };
  },
};

/** A comment and, of one made of lines, those that follow it without a gap. */
function paragraphOf(comment, comments) {
  if (comment.type === "Block") return [comment];
  const lines = [comment];
  for (const next of comments.slice(comments.indexOf(comment) + 1)) {
    if (next.loc.start.line !== lines.at(-1).loc.end.line + 1) break;
    lines.push(next);
  }
  return lines;
}

/** Of `… (invariant 2).` and a bare `Invariant 2` at a comment's end. Any other is for people. */
function fixOf(fixer, text, [start, end], { open, word, numbers, file = "" }) {
  const cited = `${word.replace(/^i/u, "I")} ${numbers}${file}.`;
  const isLast = /^\s*(?:\*\/|\n|$)/u.test(text.slice(end));
  if (!isLast) return null;
  if (open === undefined) return fixer.replaceTextRange([start, end], cited);
  return text[start - 1] === " " ? fixer.replaceTextRange([start - 1, end], `. ${cited}`) : null;
}

// What Azure has answered otherwise than Sigil relies on, for infra/verify.mjs --compare.
import { isDeepStrictEqual } from "node:util";

/** Lines to print, and how many of the expectations differ. A question that is not answered, or of no expectation, differs in nothing. */
export function compare(expectations, answers) {
  const lines = [];
  let differing = 0;
  for (const [id, { expects, falls, where }] of Object.entries(expectations)) {
    if (expects === undefined) continue;
    const { answer } = answers[id] ?? {};
    if (answer === undefined || Object(answer).unanswered !== undefined) {
      lines.push(`${id}: not answered.`);
      continue;
    }
    const wrong = differences(expects, answer, id);
    if (wrong.length === 0) continue;
    differing += 1;
    lines.push(...wrong, `  Then falls: ${falls} (${where})`);
  }
  lines.push(differing === 0 ? "Nothing differs." : `${differing} of what Sigil relies on differ.`);
  return { lines, differing };
}

/** By the one member that an object has in the place of a value. */
const OPERATORS = {
  atMost: (most, answer, place) =>
    answer <= most ? [] : [`${place} is ${shown(answer)}, more than ${most}.`],
  contains: (wanted, answer, place) =>
    wanted
      .filter((one) => !(Array.isArray(answer) && answer.includes(one)))
      .map((one) => `${place} has no ${one}.`),
  oneOf: (allowed, answer, place) =>
    allowed.includes(answer) ? [] : [`${place} is ${shown(answer)}, not ${allowed.join(" or ")}.`],
};

/** What an expectation names is so; what it does not name may be anything. */
function differences(expects, answer, place) {
  if (typeof expects !== "object" || expects === null || Array.isArray(expects))
    return isDeepStrictEqual(expects, answer)
      ? []
      : [`${place} is ${shown(answer)}, not ${shown(expects)}.`];
  return Object.entries(expects).flatMap(([name, one]) =>
    Object.hasOwn(OPERATORS, name)
      ? OPERATORS[name](one, answer, place)
      : differences(one, Object(answer)[name], `${place}.${name}`),
  );
}

function shown(value) {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "not there");
}

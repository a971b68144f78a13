/**
 * The search of the site. The build makes the index with `indexOf`; each page calls `load` once and `find` for each search. It is
 * bundled into search.js, which needs no network. It finds sections, and shows the best one of each page.
 */
import MiniSearch from "minisearch";

/** @typedef {{ readonly url: string, readonly page: string, readonly kind: string, readonly title: string, readonly heading: string, readonly text: string }} Section */

const COMMON = new Set(
  "a an and any are as at be by can do does for from had has have how i if in into is it its me my of on or our so that the their there they this to was we what when where which who whom why will with without you your".split(
    " ",
  ),
);

/** The word without its case and ending, so that "deleted" finds "deletion"; null: a common word. @param {string} word */
function termOf(word) {
  const term = word.toLowerCase();
  if (COMMON.has(term)) return null;
  const stem = term.replace(/(?:ations?|ings?|ions?|ers?|ed|es|s|e)$/u, "");
  return stem.length < 3 ? term : stem;
}

/** Who searches has a task more often than an interest in how Sigil is made. @type {Readonly<Record<string, number>>} */
const WEIGHTS = { Tutorial: 1.3, "How-to": 1.3, "The project": 0.7 };

/** @type {import("minisearch").Options<Section>} */
const OPTIONS = {
  idField: "url",
  fields: ["title", "heading", "text"],
  storeFields: ["page", "title", "kind"],
  // A setting's name stays whole: `SIGIL_GALLERY_POLICY`.
  tokenize: (text) => text.match(/[\p{L}\p{N}_]+/gu) ?? [],
  processTerm: termOf,
  searchOptions: {
    boost: { title: 4, heading: 2 },
    prefix: (term, i, terms) => i === terms.length - 1,
    fuzzy: (term) => (term.length > 5 ? 0.2 : false),
    boostDocument: (_id, _term, stored) =>
      WEIGHTS[String(stored?.["kind"]).split(" · ")[0] ?? ""] ?? 1,
  },
};

/** The index as JSON. @param {readonly Section[]} sections */
export function indexOf(sections) {
  const index = new MiniSearch(OPTIONS);
  index.addAll(sections);
  return JSON.stringify(index);
}

let json = "";
/** @type {MiniSearch<Section> | undefined} */
let index;

/** Takes the index; `find` parses it, since most pages are read without a search. @param {string} made */
export function load(made) {
  json = made;
}

/** The best eight pages, each with the address of its best section. @param {string} text */
export function find(text) {
  index ??= MiniSearch.loadJSON(json, OPTIONS);
  const best = new Map();
  for (const { id, page, title, kind } of index.search(text))
    if (!best.has(page)) best.set(page, { url: id, title, kind });
  return [...best.values()].slice(0, 8);
}

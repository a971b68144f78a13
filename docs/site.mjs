/**
 * Writes the documents as a site: `node docs/site.mjs [folder]`, dist/site if none is said; `npm run build` does it.
 *
 * Every page is plain HTML that needs no network and no server: links are relative and end in .html. One script beside them searches,
 * copies and chooses tabs; without it everything is shown. A link to a document leads to its page, one to a contract or picture to a
 * copy of it. What is only in the repository is named, not linked.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import MarkdownIt from "markdown-it";
import { indexOf } from "./search.mjs";

/** @typedef {import("markdown-it").Token} Token */

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SITE = path.resolve(process.argv[2] ?? path.join(ROOT, "dist/site"));
const COPIED = /\.(?:png|svg|yaml)$/u;

/** In the order of the navigation, which is that of previous and next. Each document has one kind. */
const SECTIONS = [
  { title: "Tutorial", groups: [{ title: "", files: ["docs/tutorial.md"] }] },
  {
    title: "How-to",
    groups: [
      inFolder("Publish", "docs/how-to", [
        "create-a-version",
        "find-mistakes-first",
        "choose-keys-by-rule",
        "take-the-next-number",
        "add-or-remove-regions",
        "change-many-versions",
        "adopt-a-version",
      ]),
      inFolder("Release", "docs/how-to", [
        "hold-back-and-promote",
        "roll-out-by-waves",
        "report-a-test-result",
        "test-by-machines",
        "roll-back",
        "take-a-bad-image-back",
      ]),
      inFolder("Look after", "docs/how-to", [
        "rotate-a-key",
        "repair-a-region",
        "see-who-uses-a-version",
        "delete-or-protect",
        "undo-a-deletion",
        "delete-by-policy",
      ]),
      inFolder("Connect", "docs/how-to", [
        "capture-a-machine",
        "from-image-builders",
        "from-github-and-azure-devops",
        "from-terraform",
        "by-service-bus",
        "tell-teams-or-slack",
      ]),
      inFolder("Run", "docs/how-to", [
        "prepare-a-subscription",
        "deploy",
        "sign-in",
        "upgrade-and-restore",
        "be-woken-at-night",
      ]),
    ],
  },
  {
    title: "Reference",
    groups: [
      inFolder("Command line", "docs/reference", [
        "cli",
        "cli/image-version-create",
        "cli/image-version",
        "cli/image-version-delete",
        "cli/image-version-release",
        "cli/operation",
        "cli/test",
        "cli/subscription",
        "cli/machine",
        "from-az",
      ]),
      inFolder("API and events", "docs/reference", [
        "api",
        "events",
        "conditions",
        "errors",
        "states",
        "contracts",
      ]),
      inFolder("Behaviour", "docs/reference", [
        "promotion",
        "changing",
        "deletion",
        "keys",
        "test-machines",
        "rules",
        "refusals",
      ]),
      inFolder("Deployment", "docs/reference", [
        "deployment",
        "settings",
        "roles",
        "permissions",
        "operations",
        "review",
        "dependencies",
      ]),
    ],
  },
  {
    title: "Explanation",
    groups: [
      inFolder("", "docs/explanation", [
        "architecture",
        "why-nothing-is-lost",
        "when-others-change-things",
        "what-latest-means",
        "security",
        "performance",
        "how-sigil-is-tested",
        "local-stack",
        "why-sigil",
        "decisions",
      ]),
    ],
  },
  {
    title: "The project",
    groups: [
      { title: "", files: ["CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"] },
      { title: "Stand-ins for Azure", files: await readmesIn("packages") },
    ],
  },
];

/** Addresses of pages that were merged into others: each leads on. */
const MOVED = {
  "docs/reference/names.html": "docs/reference/from-az.html",
  "docs/explanation/keys-and-regions.html": "docs/reference/keys.html",
};

/** @param {string} title @param {string} folder @param {readonly string[]} names */
function inFolder(title, folder, names) {
  return { title, files: names.map((name) => `${folder}/${name}.md`) };
}

/** @param {string} folder */
async function readmesIn(folder) {
  const names = await readdir(path.join(ROOT, folder), { recursive: true });
  return names
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => /^[^/]+\/README\.md$/u.test(name))
    .sort()
    .map((name) => `${folder}/${name}`);
}

const FILES = SECTIONS.flatMap(({ groups }) => groups.flatMap(({ files }) => files));
const documents = (await readdir(path.join(ROOT, "docs"), { recursive: true }))
  .map((name) => `docs/${name.replaceAll("\\", "/")}`)
  .filter((name) => name.endsWith(".md"));
const homeless = documents.filter((name) => !FILES.includes(name));
if (homeless.length > 0)
  throw new Error(`Of which kind? SECTIONS of docs/site.mjs lacks ${homeless.join(", ")}.`);

/** @type {Readonly<Record<string, string>>} */
const KIND = Object.fromEntries(
  SECTIONS.flatMap(({ title, groups }) =>
    groups.flatMap((group) =>
      group.files.map((file) => [file, [title, group.title].filter(Boolean).join(" · ")]),
    ),
  ),
);
const { version } = JSON.parse(await readFile(path.join(ROOT, "package.json"), "utf8"));

const markdown = new MarkdownIt({ html: true });
const { rules } = markdown.renderer;
rules.fence = (tokens, i) =>
  tokens[i]?.info === "mermaid" ? transitionsTable(tokens[i].content) : codeBlock(tokens[i]);
// What a person sees, and what to do: on a phone one below the other.
rules.table_open = (tokens, i) => {
  const end = tokens.findIndex((token, k) => k > i && token.type === "tr_close");
  const columns = tokens.slice(i, end).filter(({ type }) => type === "th_open").length;
  return `<div class="wide"><table${columns === 2 ? ' class="cards"' : ""}>\n`;
};
rules.table_close = () => "</table></div>\n";
rules.heading_close = (tokens, i) => {
  const { tag } = tokens[i] ?? {};
  const id = tokens[i - 2]?.attrGet("id") ?? "";
  const text = tokens[i - 1]?.content ?? "";
  return tag === "h1"
    ? "</h1>\n"
    : `<a class="h" href="#${id}" aria-label="Link to: ${escape(text)}">#</a></${tag}>\n`;
};

const pages = new Map(
  await Promise.all(
    FILES.map(async (file) => {
      const text = await readFile(path.join(ROOT, file), "utf8");
      const tokens = markdown
        .parse(text, {})
        .filter(({ type, content }) => !isComment(type, content));
      return /** @type {const} */ ([file, { tokens, ...headings(tokens) }]);
    }),
  ),
);

/** @param {string} type @param {string} content */
function isComment(type, content) {
  return type === "html_block" && content.trimStart().startsWith("<!--");
}

/** @param {string} address @param {string | Uint8Array} content */
async function write(address, content) {
  const target = path.join(SITE, address);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, content);
}

/** Of a document's page, from the site's root. @param {string} file */
function addressOf(file) {
  return file.replace(/\.md$/u, ".html");
}

/** Gives each heading GitHub's anchor: one that is there already is numbered. @param {Token[]} tokens */
function headings(tokens) {
  /** @type {Map<string, number>} */
  const given = new Map();
  const sections = tokens.flatMap((token, i) => {
    if (token.type !== "heading_open") return [];
    const inline = tokens[i + 1]?.children ?? [];
    const text = inline
      .filter(({ type }) => type === "text" || type === "code_inline")
      .map(({ content }) => content)
      .join("");
    const name = text
      .toLowerCase()
      .replace(/[^\w\s-]/gu, "")
      .replace(/\s/gu, "-");
    const times = given.get(name) ?? 0;
    given.set(name, times + 1);
    const anchor = times === 0 ? name : `${name}-${times}`;
    token.attrSet("id", anchor);
    return [{ level: token.tag, text, anchor }];
  });
  return {
    title: sections.find(({ level }) => level === "h1")?.text ?? "",
    sections: sections.filter(({ level }) => level === "h2"),
  };
}

/** What is found: each section of each page. A page's lead weighs as much as a heading. */
function searched() {
  return FILES.flatMap((file) => {
    const { tokens = [], title = "" } = pages.get(file) ?? {};
    const page = { page: addressOf(file), kind: KIND[file] ?? "", title };
    const lead = tokens.find(
      ({ type }, i) => type === "inline" && tokens[i - 1]?.type === "paragraph_open",
    );
    const found = [{ ...page, url: page.page, heading: lead?.content ?? "", text: "" }];
    for (const [i, token] of tokens.entries()) {
      const last = found.at(-1);
      if (token.type === "heading_open" && token.tag !== "h1")
        found.push({
          ...page,
          url: `${page.page}#${token.attrGet("id")}`,
          heading: tokens[i + 1]?.content ?? "",
          text: "",
        });
      else if (last && /^(?:inline|fence)$/u.test(token.type) && token !== lead)
        last.text += `${token.content}\n`;
    }
    return found;
  });
}

/** @param {string} file */
function page(file) {
  const { tokens = [], title = "", sections = [] } = pages.get(file) ?? {};
  const at = FILES.indexOf(file);
  const content = markdown.renderer.render(
    withParts(withLinks(tokens, file)),
    markdown.options,
    {},
  );
  const toc =
    sections.length < 2
      ? ""
      : `<nav class="toc" aria-label="On this page"><b>On this page</b>${sections.map(({ anchor, text }) => `<a href="#${anchor}">${escape(text)}</a>`).join("")}</nav>`;
  return shell({
    file: addressOf(file),
    title: `${title} · Sigil`,
    kind: KIND[file] ?? "",
    main: `<p class="kind">${KIND[file]}</p>\n${content}${neighbours(file, at)}`,
    toc,
  });
}

/** @param {string} from @param {string} to */
function moved(from, to) {
  const link = relative(from, to);
  const title = pages.get(to.replace(/\.html$/u, ".md"))?.title;
  if (title === undefined) throw new Error(`MOVED of docs/site.mjs names no page: ${to}.`);
  return shell({
    file: from,
    title: `${title} · Sigil`,
    kind: "",
    main: `<h1 id="moved">Moved</h1>\n<p>Now part of <a href="${link}">${escape(title)}</a>.</p>\n`,
    toc: "",
  }).replace("<title>", `<meta http-equiv="refresh" content="0; url=${link}">\n<title>`);
}

/** @param {string} file @param {number} at */
function neighbours(file, at) {
  const link = (/** @type {string | undefined} */ other, /** @type {"prev" | "next"} */ rel) =>
    other === undefined
      ? ""
      : `<a class="${rel === "prev" ? "p" : "n"}" href="${relative(addressOf(file), addressOf(other))}" rel="${rel}"><small>${rel === "prev" ? "Previous" : "Next"}</small>${escape(pages.get(other)?.title ?? "")}</a>`;
  return `<nav class="pn" aria-label="Previous and next">${link(FILES[at - 1], "prev")}${link(FILES[at + 1], "next")}</nav>\n`;
}

/** @param {string} from @param {string} to */
function relative(from, to) {
  return path.posix.relative(path.posix.dirname(from), to);
}

/** @param {{ file: string, title: string, kind: string, main: string, toc: string, isHome?: boolean }} page */
function shell({ file, title, kind, main, toc, isHome = false }) {
  const home = path.posix.relative(path.posix.dirname(file), "");
  const base = home === "" ? "" : `${home}/`;
  return `<!doctype html>
<html lang="en" data-root="${base}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<link rel="stylesheet" href="${base}site.css">
<link rel="icon" href="${base}mark.svg">
<script src="${base}search.js" defer></script>
<script src="${base}site.js" defer></script>
</head>
<body${isHome ? ' class="home"' : ""}>
<a class="skip" href="#main">Skip to the text</a>
<header class="top"><a class="brand" href="${base}index.html"><img src="${base}mark.svg" alt="" width="24" height="24">Sigil <i>Docs</i></a><div class="find" role="search"><input id="q" type="search" role="combobox" aria-label="Search the docs" aria-expanded="false" aria-controls="hits" aria-autocomplete="list" placeholder="Search: a task or a code" autocomplete="off"><kbd aria-hidden="true">/</kbd><ul class="hits" id="hits" role="listbox" aria-label="Results" hidden></ul></div><span class="v">${version}</span></header>
<div class="frame">
<nav class="nav" aria-label="Docs"><button class="menu" type="button" aria-expanded="false">${escape(kind || "Contents")}</button><div>
${SECTIONS.map((section) => navigation(section, file)).join("\n")}
</div></nav>
<main id="main">
${main}</main>
${toc}
</div>
<p id="say" role="status"></p>
</body>
</html>
`;
}

/** @param {(typeof SECTIONS)[number]} section @param {string} here */
function navigation({ title, groups }, here) {
  return `<h2>${title}</h2>\n${groups
    .map(
      (group) =>
        `${group.title === "" ? "" : `<h3>${group.title}</h3>\n`}<ul>${group.files
          .map((file) => {
            const address = addressOf(file);
            const current = address === here ? ' aria-current="page"' : "";
            return `<li><a href="${relative(here, address)}"${current}>${escape(pages.get(file)?.title ?? "")}</a></li>`;
          })
          .join("\n")}</ul>`,
    )
    .join("\n")}`;
}

function startPage() {
  const link = (/** @type {string} */ file) =>
    `<li><a href="${addressOf(file)}">${escape(pages.get(file)?.title ?? "")}</a></li>`;
  const door = (
    /** @type {string} */ title,
    /** @type {string} */ lead,
    /** @type {readonly string[]} */ files,
  ) => `<section><h2>${title}</h2><p>${lead}</p><ul>${files.map(link).join("")}</ul></section>`;
  return shell({
    file: "index.html",
    title: "Sigil docs",
    kind: "",
    toc: "",
    isHome: true,
    main: `<div class="hero"><h1 id="sigil">Publish encrypted image versions, region by region</h1>
<p class="lead">Sigil checks every key before it writes, follows every region, and tells you when each is usable.</p>
<p class="go"><a class="b p" href="docs/tutorial.html">Your first version, in ten minutes</a><a class="b" href="docs/how-to/roll-out-by-waves.html">Roll out by waves</a></p></div>
<div class="code"><div class="bar"><span>Try it on your machine. No Azure account.</span><button class="copy" type="button">Copy</button></div><pre tabindex="0"><code>${highlight("sh", "npm ci && npm start\nsource .sigil/env")}</code></pre></div>
<div class="four">
${door("Learn", "Once, from start to end: a wrong key is refused, two regions are published, a test lets the first wave go, one command takes it back.", ["docs/tutorial.md"])}
${door(
  "Do",
  "One task, one page.",
  [
    "create-a-version",
    "roll-out-by-waves",
    "roll-back",
    "rotate-a-key",
    "undo-a-deletion",
    "deploy",
  ].map((name) => `docs/how-to/${name}.md`),
)}
${door(
  "Look up",
  "Every word, code and option.",
  ["cli", "api", "events", "conditions", "promotion", "errors"].map(
    (name) => `docs/reference/${name}.md`,
  ),
)}
${door(
  "Understand",
  "Why it is as it is.",
  ["architecture", "why-nothing-is-lost", "when-others-change-things", "security", "why-sigil"].map(
    (name) => `docs/explanation/${name}.md`,
  ),
)}
</div>
`,
  });
}

/** @param {Token[]} tokens @param {string} file @returns {Token[]} */
function withLinks(tokens, file) {
  /** @type {boolean[]} */
  const open = [];
  for (const token of tokens) {
    if (token.children) withLinks(token.children, file);
    // Of a table's columns; a policy allows no style within a page.
    const style = token.attrGet("style");
    if (style !== null) token.attrs = [["class", style.replace("text-align:", "")]];
    const attribute = token.type === "image" ? "src" : "href";
    const link = token.attrGet(attribute);
    if (token.type === "link_open") {
      const address = addressFrom(file, link ?? "");
      open.push(address !== undefined);
      if (address === undefined) {
        token.tag = "span";
        token.attrs = [["title", `In the repository: ${link}`]];
      } else token.attrSet("href", address);
    } else if (token.type === "link_close" && open.pop() === false) token.tag = "span";
    else if (token.type === "image" && link !== null)
      token.attrSet("src", addressFrom(file, link) ?? link);
  }
  return tokens;
}

/** Undefined for what the site does not have. @param {string} file @param {string} link */
function addressFrom(file, link) {
  if (/^(?:https?:|#)/u.test(link)) return link;
  const [place = "", anchor] = link.split("#");
  const target = path.posix.join(path.posix.dirname(file), place);
  const document = [target, `${target}/README.md`].find((one) => pages.has(one));
  if (document === undefined && !COPIED.test(target)) return undefined;
  if (document === undefined) copied.add(target);
  const address = relative(addressOf(file), document === undefined ? target : addressOf(document));
  return anchor === undefined ? address : `${address}#${anchor}`;
}

const WAY = /^\*\*(sigil|curl|message|On the page:)\*\*(.*)$/su;
const WAY_NAMES = /** @type {Readonly<Record<string, string>>} */ ({
  "On the page:": "page",
});

/** The lead and what has to be there before are marked, and ways to do the same become tabs. @param {Token[]} tokens */
function withParts(tokens) {
  /** @type {Token[]} */
  const parts = [];
  let tabs = 0;
  let isLead = false;
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i];
    if (token === undefined) break;
    const { type, tag } = token;
    const content = tokens[i + 1]?.content ?? "";
    if (type === "heading_open" && tag === "h1") isLead = true;
    else if (type === "paragraph_open" && token.level === 0) {
      if (content.startsWith("**Before:**")) token.attrSet("class", "before");
      else if (isLead) token.attrSet("class", "lead");
      isLead = false;
      if (WAY.test(content)) {
        const [html, end] = tabsFrom(tokens, i, (tabs += 1));
        parts.push(rawHtml(html));
        i = end - 1;
        continue;
      }
    }
    parts.push(token);
  }
  return parts;
}

/** @param {string} content */
function rawHtml(content) {
  const [token] = markdown.parse("<div></div>", {});
  if (token === undefined) throw new TypeError("no token was parsed");
  token.content = content;
  return token;
}

/**
 * The ways from a label on, each with what stands below it, and where they end.
 * @param {Token[]} tokens @param {number} start @param {number} number @returns {[html: string, end: number]}
 */
function tabsFrom(tokens, start, number) {
  /** @type {{ name: string, tokens: Token[], isText: boolean }[]} */
  const ways = [];
  let i = start;
  while (i < tokens.length) {
    const { type, content = "" } = tokens[i] ?? {};
    const [, label, said = ""] = WAY.exec(tokens[i + 1]?.content ?? "") ?? [];
    if (type === "paragraph_open" && label !== undefined) {
      ways.push({
        name: WAY_NAMES[label] ?? label,
        tokens: said.trim() === "" ? [] : sentence(said.trim()),
        isText: said.trim() !== "",
      });
      i += 3;
    } else if (type === "fence" && !ways.at(-1)?.isText && content !== "") {
      ways.at(-1)?.tokens.push(/** @type {Token} */ (tokens[i]));
      i += 1;
    } else if (
      type === "paragraph_open" &&
      ways.at(-1)?.name === "message" &&
      ways.at(-1)?.tokens.length === 0
    ) {
      ways.at(-1)?.tokens.push(...tokens.slice(i, i + 3));
      i += 3;
    } else break;
  }
  const id = (/** @type {string} */ name) => `w${number}-${name}`;
  const list = ways
    .map(
      ({ name }, k) =>
        `<button role="tab" type="button" id="t-${id(name)}" data-name="${name}" aria-controls="${id(name)}" aria-selected="${k === 0}">${name === "page" ? "Page" : name}</button>`,
    )
    .join("");
  const panels = ways.map(({ name, tokens: within, isText }) => {
    const html = within
      .map((token) => (token.type === "fence" ? bareCode(token) : undefined))
      .join("");
    const text = markdown.renderer.render(
      within.filter(({ type }) => type !== "fence"),
      markdown.options,
      {},
    );
    return `<div role="tabpanel" class="${isText ? "say" : ""}" id="${id(name)}" aria-labelledby="t-${id(name)}">${text}${html}</div>`;
  });
  return [
    `<div class="code tabs"><div class="bar"><div role="tablist" aria-label="By">${list}</div><button class="copy" type="button">Copy</button></div>${panels.join("")}</div>\n`,
    i,
  ];
}

/** @param {string} text */
function sentence(text) {
  return markdown.parse(text, {});
}

/** A table that `sigil` prints, by the line below its titles: it scrolls, where prose beside it does not need to wrap. */
const COLUMNS = /^(?![^]*.{120})[^]*^-+ {2}-/mu;

/** @param {Token} token */
function bareCode({ info, content }) {
  const [language = ""] = info.split(" ");
  const answer = language === "" || language === "json";
  const classes = [
    ...(answer ? ["answer"] : []),
    ...(COLUMNS.test(content) ? ["columns"] : []),
  ].join(" ");
  return `<pre tabindex="0"${classes && ` class="${classes}"`}><code>${highlight(language, content)}</code></pre>`;
}

/** @param {Token | undefined} token */
function codeBlock({ info = "", content = "" } = /** @type {Token} */ ({})) {
  const [language = ""] = info.split(" ");
  const isAnswer = language === "" || language === "json";
  const code = `<pre tabindex="0"${COLUMNS.test(content) ? ' class="columns"' : ""}><code>${highlight(language, content)}</code></pre>`;
  return isAnswer
    ? `<div class="code out">${code}</div>\n`
    : `<div class="code"><div class="bar"><span>${LANGUAGES[language] ?? language}</span><button class="copy" type="button">Copy</button></div>${code}</div>\n`;
}

const LANGUAGES = /** @type {Readonly<Record<string, string>>} */ ({
  sh: "shell",
  console: "shell",
  azurecli: "shell, in Azure",
  js: "JavaScript",
  jsonc: "JSON",
  yaml: "YAML",
  hcl: "Terraform",
  bicep: "Bicep",
  http: "HTTP",
});

const SHELL =
  /(?<c>(?<=^|\s)#.*$)|(?<q>'[^']*'|"(?:[^"\\]|\\.)*")|(?<f>(?<=\s)--?[a-zA-Z][\w-]*)|(?<k>(?<=^|[|;(&] ?|\$\()(?:sigil|curl|az|npm|node|source|export|cat)\b)/gmu;
const DATA =
  /(?<c>(?<=^|\s)(?:#|\/\/).*$)|(?<k>"(?:[^"\\]|\\.)*"(?=\s*:)|^[ \t-]*[\w-]+(?=:\s|:$| =))|(?<q>'[^']*'|"(?:[^"\\]|\\.)*")|(?<d>\b\d[\d.]*\b|\b(?:true|false|null)\b)/gmu;

/** Four colours are enough to find one's way: keywords, options, texts and numbers. @param {string} language @param {string} code */
function highlight(language, code) {
  const pattern = ["sh", "console", "azurecli"].includes(language)
    ? SHELL
    : ["json", "jsonc", "yaml", "js", "hcl", "bicep"].includes(language)
      ? DATA
      : undefined;
  if (pattern === undefined) return escape(code);
  let html = "";
  let end = 0;
  for (const match of code.matchAll(pattern)) {
    const [kind] = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined) ?? [];
    html += `${escape(code.slice(end, match.index))}<span class="${kind}">${escape(match[0])}</span>`;
    end = match.index + match[0].length;
  }
  return html + escape(code.slice(end));
}

/** A state diagram as a table: drawing it would take a script, and a phone shows a table better. @param {string} diagram */
function transitionsTable(diagram) {
  const transitions = [...diagram.matchAll(/^(\w+) --> (\w+): (.*)$/gmu)];
  if (!diagram.startsWith("stateDiagram-v2\n") || transitions.length === 0)
    return `<pre><code>${escape(diagram)}</code></pre>\n`;
  const rows = transitions.map(([, from, to, when], i) => {
    const first = from !== transitions[i - 1]?.[1];
    return `<tr><td>${first ? `<strong>${from}</strong>` : ""}</td><td>${to}</td><td>${escape(when ?? "")}</td></tr>`;
  });
  return `<div class="wide"><table>\n<thead><tr><th>from</th><th>to</th><th>when</th></tr></thead>\n<tbody>\n${rows.join("\n")}\n</tbody></table></div>\n`;
}

/** @param {string} text */
function escape(text) {
  return markdown.utils.escapeHtml(text);
}

/** What the pages link to beside one another. @type {Set<string>} */
const copied = new Set();
await rm(SITE, { recursive: true, force: true });
for (const file of FILES) await write(addressOf(file), page(file));
for (const [from, to] of Object.entries(MOVED)) await write(from, moved(from, to));
await write("index.html", startPage());
for (const file of copied) await write(file, await readFile(path.join(ROOT, file)));
// One palette for the page, the documents and the API's own page.
const tokens = await readFile(path.join(ROOT, "src/page/src/styles/tokens.css"), "utf8");
const siteCss = await readFile(path.join(ROOT, "docs/site.css"), "utf8");
await write("site.css", tokens + siteCss);
await write("site.js", await readFile(path.join(ROOT, "docs/site.js")));
await write("mark.svg", await readFile(path.join(ROOT, "src/page/icon.svg")));
const { outputFiles } = await build({
  entryPoints: [path.join(ROOT, "docs/search.mjs")],
  globalName: "SEARCH",
  bundle: true,
  minify: true,
  write: false,
});
await write(
  "search.js",
  `${outputFiles[0]?.text}SEARCH.load(${JSON.stringify(indexOf(searched()))});\n`,
);

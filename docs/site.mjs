/**
 * Writes the documents as a site: `node docs/site.mjs [folder]`, dist/site if none is said; `npm run build` does it.
 *
 * Every page is plain HTML that needs no script, no network and no server: links are relative and end in .html. A link to a
 * document leads to its page, one to a contract or picture to a copy of it. What is only in the repository is named, not linked.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import MarkdownIt from "markdown-it";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SITE = path.resolve(process.argv[2] ?? path.join(ROOT, "dist/site"));
const COPIED = /\.(?:png|svg|yaml)$/u;

/** In the order of the navigation. */
const GROUPS = [
  { title: "Sigil", files: ["README.md", ...(await documentsIn("docs"))] },
  { title: "Reference", files: await documentsIn("docs/reference") },
  { title: "Decisions", files: await documentsIn("docs/decisions") },
  { title: "Stand-ins for Azure", files: await readmesIn("packages") },
  {
    title: "The project",
    files: ["CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"],
  },
];

/** @param {string} folder */
async function documentsIn(folder) {
  const names = await readdir(path.join(ROOT, folder));
  return names
    .filter((name) => name.endsWith(".md"))
    .sort((a, b) => (a === "README.md" ? -1 : a.localeCompare(b)))
    .map((name) => `${folder}/${name}`);
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

const markdown = new MarkdownIt({ html: true });
const { fence } = markdown.renderer.rules;
markdown.renderer.rules.fence = (tokens, i, ...rest) =>
  tokens[i]?.info === "mermaid"
    ? transitionsTable(tokens[i].content)
    : fence(tokens, i, ...rest);
markdown.renderer.rules.table_open = () => '<div class="wide"><table>\n';
markdown.renderer.rules.table_close = () => "</table></div>\n";
const files = GROUPS.flatMap((group) => group.files);
const pages = new Map(
  await Promise.all(
    files.map(async (file) => {
      const text = await readFile(path.join(ROOT, file), "utf8");
      const tokens = markdown.parse(text, {});
      return /** @type {const} */ ([file, { tokens, ...headings(tokens) }]);
    }),
  ),
);

/** What the pages link to beside one another. @type {Set<string>} */
const copied = new Set();
await rm(SITE, { recursive: true, force: true });
for (const file of files) await write(addressOf(file), page(file));
for (const file of copied)
  await write(file, await readFile(path.join(ROOT, file)));
await write("style.css", await readFile(path.join(ROOT, "docs/site.css")));

/** @param {string} address @param {string | Uint8Array} content */
async function write(address, content) {
  const target = path.join(SITE, address);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, content);
}

/** Of a document's page, from the site's root. @param {string} file */
function addressOf(file) {
  return file === "README.md" ? "index.html" : file.replace(/\.md$/u, ".html");
}

/** Gives each heading GitHub's anchor. @param {import("markdown-it").Token[]} tokens */
function headings(tokens) {
  const sections = tokens.flatMap((token, i) => {
    if (token.type !== "heading_open") return [];
    const inline = tokens[i + 1]?.children ?? [];
    const text = inline
      .filter(({ type }) => type === "text" || type === "code_inline")
      .map(({ content }) => content)
      .join("");
    const anchor = text
      .toLowerCase()
      .replace(/[^\w\s-]/gu, "")
      .replace(/\s/gu, "-");
    token.attrSet("id", anchor);
    return [{ level: token.tag, text, anchor }];
  });
  return {
    title: sections.find(({ level }) => level === "h1")?.text ?? "",
    sections: sections.filter(({ level }) => level === "h2"),
  };
}

/** @param {string} file */
function page(file) {
  const { tokens = [], title = "" } = pages.get(file) ?? {};
  const home = path.posix.relative(path.posix.dirname(addressOf(file)), "");
  const base = home === "" ? "" : `${home}/`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title === "Sigil" ? title : `${title} · Sigil`)}</title>
<link rel="stylesheet" href="${base}style.css">
</head>
<body>
<header><a href="${base}index.html">Sigil</a> <a class="menu" href="#contents">Contents</a></header>
<main>
${markdown.renderer.render(withLinks(tokens, file), markdown.options, {})}</main>
<nav id="contents">
${GROUPS.map((group) => `<h2>${group.title}</h2>\n<ul>\n${group.files.map((other) => entry(other, file, base)).join("\n")}\n</ul>`).join("\n")}
</nav>
</body>
</html>
`;
}

/** @param {string} other @param {string} file @param {string} base */
function entry(other, file, base) {
  const { title = "", sections = [] } = pages.get(other) ?? {};
  const link = `<a href="${base}${addressOf(other)}"${other === file ? ' aria-current="page"' : ""}>${escape(title)}</a>`;
  const inner =
    other === file && sections.length > 0
      ? `\n<ul>${sections.map(({ anchor, text }) => `<li><a href="#${anchor}">${escape(text)}</a></li>`).join("")}</ul>`
      : "";
  return `<li>${link}${inner}</li>`;
}

/** @param {import("markdown-it").Token[]} tokens @param {string} file @returns {import("markdown-it").Token[]} */
function withLinks(tokens, file) {
  /** @type {boolean[]} */
  const open = [];
  for (const token of tokens) {
    if (token.children) withLinks(token.children, file);
    const attribute = token.type === "image" ? "src" : "href";
    const link = token.attrGet(attribute);
    if (token.type === "link_open") {
      const address = addressFrom(file, link ?? "");
      open.push(address !== undefined);
      if (address === undefined) {
        token.tag = "span";
        token.attrs = [["title", `In the repository: ${link}`]];
      } else token.attrSet("href", address);
    } else if (token.type === "link_close" && open.pop() === false)
      token.tag = "span";
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
  const document = [target, `${target}/README.md`].find((one) =>
    pages.has(one),
  );
  if (document === undefined && !COPIED.test(target)) return undefined;
  if (document === undefined) copied.add(target);
  const address = path.posix.relative(
    path.posix.dirname(addressOf(file)),
    document === undefined ? target : addressOf(document),
  );
  return anchor === undefined ? address : `${address}#${anchor}`;
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

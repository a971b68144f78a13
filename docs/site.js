// Search, copy buttons, tabs and the contents of a phone. No network, no server: the index is a script beside this one.
"use strict";
const { find } = globalThis.SEARCH;
const here = document.documentElement.dataset.root;
const input = document.querySelector("#q"),
  hits = document.querySelector("#hits");
const say = document.querySelector("#say");
let at = -1;
const escape = (s) => s.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
function show() {
  const text = input.value.trim();
  at = -1;
  input.removeAttribute("aria-activedescendant");
  hits.hidden = text === "";
  input.setAttribute("aria-expanded", String(text !== ""));
  if (text === "") return;
  const found = find(text),
    re = new RegExp(
      "(" +
        text
          .split(/\s+/)
          .map((w) => escape(w).replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
          .join("|") +
        ")",
      "gi",
    );
  hits.innerHTML = found.length
    ? found
        .map(
          (h, i) =>
            `<li role="option" id="h${i}" aria-selected="false"><a tabindex="-1" href="${here}${h.url}">${escape(h.title).replace(re, "<mark>$1</mark>")}<small>${h.kind}</small></a></li>`,
        )
        .join("")
    : `<li role="option" aria-disabled="true"><p>Nothing has these words. Try a code, such as <code>KeyExpiring</code>.</p></li>`;
  say.textContent = found.length + " results";
}
input.addEventListener("input", show);
input.addEventListener("keydown", (e) => {
  const li = [...hits.querySelectorAll("li[id]")];
  if (e.key === "Escape") {
    input.value = "";
    show();
  }
  if (e.key === "ArrowDown" || e.key === "ArrowUp") {
    e.preventDefault();
    if (!li.length) return;
    at = (at + (e.key === "ArrowDown" ? 1 : at < 0 ? 0 : -1) + li.length) % li.length;
    li.forEach((l, i) => l.setAttribute("aria-selected", String(i === at)));
    input.setAttribute("aria-activedescendant", li[at].id);
  }
  if (e.key === "Enter" && li.length) li[Math.max(at, 0)].querySelector("a").click();
});
document.addEventListener("keydown", (e) => {
  if (e.key === "/" && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
    e.preventDefault();
    input.focus();
  }
});
document.addEventListener("click", (e) => {
  if (!e.target.closest(".find")) hits.hidden = true;
});
for (const b of document.querySelectorAll(".copy"))
  b.addEventListener("click", async () => {
    const pre = [...b.closest(".code").querySelectorAll("pre")].find((p) => !p.closest("[hidden]"));
    const text = pre.innerText.trimEnd();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const r = document.createRange();
      r.selectNodeContents(pre);
      const s = getSelection();
      s.removeAllRanges();
      s.addRange(r);
      document.execCommand("copy");
      s.removeAllRanges();
    }
    b.textContent = "Copied";
    say.textContent = "Copied";
    setTimeout(() => (b.textContent = "Copy"), 1500);
  });
// Tabs: who chooses curl once has curl everywhere.
function choose(name) {
  for (const tabs of document.querySelectorAll("[role=tablist]")) {
    const all = [...tabs.children],
      chosen = all.find((t) => t.dataset.name === name) ?? all[0];
    for (const t of all) {
      const on = t === chosen;
      t.setAttribute("aria-selected", String(on));
      t.tabIndex = on ? 0 : -1;
      document.getElementById(t.getAttribute("aria-controls")).hidden = !on;
    }
    tabs.closest(".code").querySelector(".copy").hidden = chosen.dataset.name === "page";
  }
  try {
    localStorage.setItem("by", name);
  } catch {}
}
for (const t of document.querySelectorAll("[role=tab]")) {
  t.addEventListener("click", () => choose(t.dataset.name));
  t.addEventListener("keydown", (e) => {
    const all = [...t.parentNode.children],
      i = all.indexOf(t) + (e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0);
    const to = all[(i + all.length) % all.length];
    if (to !== t) {
      choose(to.dataset.name);
      to.focus();
    }
  });
}
if (document.querySelector("[role=tab]")) {
  let by = "sigil";
  try {
    by = localStorage.getItem("by") ?? by;
  } catch {}
  choose(by);
}
document.querySelector(".menu").addEventListener("click", (e) => {
  const open = e.currentTarget.parentNode.classList.toggle("open");
  e.currentTarget.setAttribute("aria-expanded", String(open));
});
const toc = [...document.querySelectorAll(".toc a")];
if (toc.length) {
  const mark = () => {
    let n = 0;
    toc.forEach((a, i) => {
      if (document.getElementById(a.hash.slice(1)).getBoundingClientRect().top < 120) n = i;
    });
    toc.forEach((a, i) => a.classList.toggle("at", i === n));
  };
  addEventListener("scroll", mark, { passive: true });
  mark();
}

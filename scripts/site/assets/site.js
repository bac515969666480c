// Without this script all pages can be read: it adds the search, opens the menu, and marks what is being read.
"use strict";

const root = document.currentScript.dataset.root;

// The menu of narrow screens: without a script, it is a link to the contents.
const menu = document.querySelector(".menu");
menu.setAttribute("role", "button");
menu.setAttribute("aria-expanded", "false");
menu.addEventListener("click", (event) => {
	event.preventDefault();
	const open = document.body.classList.toggle("open");
	menu.setAttribute("aria-expanded", String(open));
	if (open) window.scrollTo(0, 0);
});
const current = document.querySelector("nav.pages [aria-current]");
if (current && current.offsetParent) current.scrollIntoView({ block: "nearest" });

// The heading that is being read.
const entries = new Map();
for (const link of document.querySelectorAll("aside.toc a")) {
	const heading = document.getElementById(decodeURIComponent(link.hash.slice(1)));
	if (heading) entries.set(heading, link);
}
const mark = () => {
	let here;
	for (const [heading, link] of entries) {
		link.classList.remove("here");
		if (heading.getBoundingClientRect().top < 100) here = link;
	}
	here?.classList.add("here");
};
addEventListener("scroll", mark, { passive: true });
mark();

// The search. The index is loaded when it is needed.
const form = document.querySelector(".search");
const input = form.querySelector("input");
const results = document.querySelector(".results");
const article = document.querySelector("article");
let index = null;
form.hidden = false;

window.bookIndex = (list) => {
	index = list.map((entry) => ({ ...entry, low: (entry.p + " " + (entry.h ?? "") + " " + entry.t).toLowerCase() }));
	show();
};

const load = () => {
	if (document.getElementById("index")) return;
	const script = document.createElement("script");
	script.id = "index";
	script.src = root + "/assets/index.js";
	document.head.append(script);
};

// All words are in what is found; what has the words in a row, or in its heading, comes first.
const find = (query) => {
	const words = query.toLowerCase().split(/\s+/).filter(Boolean);
	const phrase = words.join(" ");
	const found = [];
	for (const entry of index) {
		if (!words.every((word) => entry.low.includes(word))) continue;
		const title = (entry.h ?? entry.p).toLowerCase();
		let score = entry.low.includes(phrase) ? 10 : 0;
		for (const word of words) if (title.includes(word)) score += 5;
		if (title === phrase) score += 20;
		if (!entry.h && score > 10) score += 5;
		found.push({ entry, score });
	}
	found.sort((a, b) => b.score - a.score);
	return { words, found: found.slice(0, 30).map((f) => f.entry), count: found.length };
};

// The text around the first word, with the words marked.
const excerpt = (text, words) => {
	const low = text.toLowerCase();
	const phrase = low.indexOf(words.join(" "));
	const at = phrase >= 0 ? phrase : Math.max(0, Math.min(...words.map((w) => low.indexOf(w)).filter((i) => i >= 0)));
	const from = Number.isFinite(at) ? Math.max(0, at - 60) : 0;
	const part = text.slice(from, from + 200);
	const span = document.createElement("span");
	if (from > 0) span.append("… ");
	const escaped = words.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
	for (const piece of part.split(new RegExp("(" + escaped.join("|") + ")", "gi"))) {
		if (words.includes(piece.toLowerCase())) {
			const marked = document.createElement("mark");
			marked.textContent = piece;
			span.append(marked);
		} else {
			span.append(piece);
		}
	}
	if (from + 200 < text.length) span.append(" …");
	return span;
};

const show = () => {
	const query = input.value.trim();
	results.hidden = article.hidden = query.length > 1;
	results.hidden = !article.hidden;
	if (results.hidden) return;
	load();
	if (!index) return;
	const { words, found, count } = find(query);
	const heading = document.createElement("h1");
	heading.textContent = count === 0 ? "Nothing found" : count === 1 ? "One place" : count + " places";
	results.replaceChildren(heading);
	for (const entry of found) {
		const link = document.createElement("a");
		link.href = root + "/" + entry.u;
		const title = document.createElement("b");
		title.textContent = entry.h ? entry.p + " › " + entry.h : entry.p;
		link.append(title, excerpt(entry.t, words));
		results.append(link);
	}
	document.body.classList.remove("open");
	menu.setAttribute("aria-expanded", "false");
	window.scrollTo(0, 0);
};

input.addEventListener("focus", load);
input.addEventListener("input", show);
results.addEventListener("click", (event) => {
	// The place may be on this page.
	if (!event.target.closest("a")) return;
	input.value = "";
	show();
});
form.addEventListener("submit", (event) => {
	event.preventDefault();
	results.querySelector("a")?.click();
});
addEventListener("keydown", (event) => {
	if (event.key === "/" && !event.target.closest("input, textarea")) {
		event.preventDefault();
		input.focus();
	} else if (event.key === "Escape" && input.value) {
		input.value = "";
		show();
	}
});

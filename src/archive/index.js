// Sorts and searches the articles; without it the page is whole, the worst first.
"use strict";
// So many rows at once, as in the style sheet, or every key stroke would lay ten thousand out.
const FEW = 50;

const table = document.getElementById("articles");
const more = document.getElementById("more");
const worst = document.getElementById("worst");
const search = document.getElementById("search");
const shown = document.getElementById("shown");
const headers = Array.from(table.tHead.rows[0].cells);
const collator = new Intl.Collator("en", { numeric: true });

// Compatibility forms, so that a Thai vowel is found in whichever way it is encoded.
const plain = (text) => text.normalize("NFKC").toLowerCase();
const texts = (elements) => Array.from(elements, (element) => ({ element, text: plain(element.textContent) }));
const rows = texts(table.tBodies[0].rows);
const segments = worst ? texts(worst.querySelectorAll("li")) : [];
let order = rows;

// What the page shows, kept for the way back from an article.
const state = { words: "", all: false, column: null, direction: null, ...history.state };
const keep = () => history.replaceState(state, "");

function show() {
  const words = plain(state.words).split(/\s+/).filter(Boolean);
  const has = ({ text }) => words.every((word) => text.includes(word));
  const articles = order.filter(has);
  const few = state.all ? articles : articles.slice(0, FEW);
  const list = document.createDocumentFragment();
  for (const { element } of few) list.append(element);
  table.tBodies[0].replaceChildren(list);
  table.classList.toggle("none", rows.length > 0 && !articles.length);
  more.hidden = few.length === articles.length;
  more.textContent = "Show all " + articles.length.toLocaleString("en") + " articles";
  for (const segment of segments) segment.element.hidden = !has(segment);
  const quotes = segments.filter(has).length;
  const counts = [articles.length + " of " + rows.length + " articles"];
  if (worst) {
    worst.hidden = !quotes;
    counts.push(quotes + " of " + segments.length + " segments to check");
  }
  shown.value = words.length ? counts.join(", ") : "";
}

function sort() {
  const { column, direction } = state;
  headers.forEach((header, at) => header.setAttribute("aria-sort", at === column ? direction : "none"));
  const number = headers[column].classList.contains("number");
  const sign = direction === "ascending" ? 1 : -1;
  const compare = number ? (a, b) => a - b : collator.compare;
  const keyed = rows.map((entry) => {
    const cell = entry.element.cells[column];
    const text = cell.dataset.value ?? cell.textContent;
    return { entry, none: text === "", key: number ? Number(text) : text };
  });
  // What has no value stays at the end, whichever the direction.
  keyed.sort((a, b) => a.none - b.none || sign * compare(a.key, b.key));
  order = keyed.map(({ entry }) => entry);
}

table.tHead.addEventListener("click", (event) => {
  const column = headers.indexOf(event.target.closest("th"));
  if (column < 0) return;
  // Names from the first letter; the newest, the most and the surest first.
  const [first, second] = column ? ["descending", "ascending"] : ["ascending", "descending"];
  state.direction = state.column === column && state.direction === first ? second : first;
  state.column = column;
  sort();
  show();
  keep();
});
more.addEventListener("click", () => {
  state.all = true;
  show();
  keep();
});
search.addEventListener("input", () => {
  state.words = search.value;
  state.all = false;
  show();
});
search.addEventListener("change", keep);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && document.activeElement === search) {
    search.value = state.words = "";
    show();
    keep();
  }
});
search.value = state.words;
if (state.column !== null) sort();
show();
table.classList.add("ready");

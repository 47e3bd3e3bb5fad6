// Sorts and searches the articles; without it the page is whole, the worst first.
"use strict";
const table = document.getElementById("articles");
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

// How the page is sorted and searched, kept for the way back from an article.
const state = { words: "", column: null, order: null, ...history.state };
const keep = () => history.replaceState(state, "");

function show(entries, words) {
  let count = 0;
  for (const { element, text } of entries) {
    const is = words.every((word) => text.includes(word));
    if (element.hidden === is) element.hidden = !is;
    if (is) count += 1;
  }
  return count;
}

function find() {
  state.words = search.value;
  const words = plain(search.value).split(/\s+/).filter(Boolean);
  const [articles, quotes] = [show(rows, words), show(segments, words)];
  table.classList.toggle("none", words.length > 0 && !articles);
  if (worst) worst.hidden = !quotes;
  const counts = [articles + " of " + rows.length + " articles"];
  if (worst) counts.push(quotes + " of " + segments.length + " segments to check");
  shown.value = words.length ? counts.join(", ") : "";
}

function sort(column, order) {
  headers.forEach((header, at) => header.setAttribute("aria-sort", at === column ? order : "none"));
  const number = headers[column].classList.contains("number");
  const sign = order === "ascending" ? 1 : -1;
  const keyed = rows.map(({ element }) => {
    const cell = element.cells[column];
    const text = cell.dataset.value ?? cell.textContent;
    return { element, none: text === "", key: number ? Number(text) : text };
  });
  const compare = number ? (a, b) => a - b : collator.compare;
  // What has no value stays at the end, whichever the order.
  keyed.sort((a, b) => a.none - b.none || sign * compare(a.key, b.key));
  const sorted = document.createDocumentFragment();
  for (const { element } of keyed) sorted.append(element);
  table.tBodies[0].append(sorted);
}

table.tHead.addEventListener("click", (event) => {
  const column = headers.indexOf(event.target.closest("th"));
  if (column < 0) return;
  // Names from the first letter; the newest, the most and the surest first.
  const [first, second] = column ? ["descending", "ascending"] : ["ascending", "descending"];
  state.order = state.column === column && state.order === first ? second : first;
  state.column = column;
  sort(column, state.order);
  keep();
});
search.addEventListener("input", find);
search.addEventListener("change", keep);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && document.activeElement === search) {
    search.value = "";
    find();
    keep();
  }
});
if (state.column !== null) sort(state.column, state.order);
search.value = state.words;
find();

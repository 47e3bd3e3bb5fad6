// Sorts and searches the table of articles; without it the page is whole, the worst first.
"use strict";
const table = document.getElementById("articles");
const body = table.tBodies[0];
const rows = Array.from(body.rows, (row) => ({ row, text: row.textContent.toLowerCase() }));
const search = document.getElementById("search");
const shown = document.getElementById("shown");
const collator = new Intl.Collator(["en", "th"], { numeric: true });

function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { row, text } of rows) {
    row.hidden = !words.every((word) => text.includes(word));
    count += row.hidden ? 0 : 1;
  }
  shown.value = words.length ? count + " of " + rows.length : "";
}

function sort(header) {
  const column = header.cellIndex;
  const number = header.classList.contains("number");
  const first = number ? "descending" : "ascending";
  const second = number ? "ascending" : "descending";
  const order = header.getAttribute("aria-sort") === first ? second : first;
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const value = (row) => {
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent;
    return number ? (text === "" ? null : Number(text)) : text;
  };
  const keyed = rows.map((entry) => ({ entry, key: value(entry.row) }));
  // What has no value stays at the end, whichever the order.
  keyed.sort((a, b) => {
    const none = (a.key === null || a.key === "") - (b.key === null || b.key === "");
    return none || sign * (number ? a.key - b.key : collator.compare(a.key, b.key));
  });
  body.append(...keyed.map(({ entry }) => entry.row));
}

table.tHead.addEventListener("click", (event) => {
  const header = event.target.closest("th");
  if (header) sort(header);
});
search.addEventListener("input", find);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && document.activeElement === search) {
    search.value = "";
    find();
  }
});
find();

// --- Making elements. Names from models and folders only ever become text nodes and attribute values. ---
const $ = id => document.getElementById(id);
const make = space => (tag, attributes = {}, ...children) => {
  const node = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) if (known(value)) node.setAttribute(name, value);
  node.append(...children.filter(known));
  return node;
};
const html = make("http://www.w3.org/1999/xhtml");
const svg = make("http://www.w3.org/2000/svg");
// Names of layers are paths: they may break behind their separators.
const breakable = text => String(text).split(/(?<=[/_]|\.(?!\d))/).flatMap((part, i) => i === 0 ? [part] : [html("wbr"), part]);

// Tables: columns are [title, is a number, class], cells are text or nodes.
function fill(table, columns, rows) {
  const content = (cell, number) => cell instanceof Node ? [cell] : number ? [String(cell)] : breakable(cell);
  table.replaceChildren(
    html("thead", {}, html("tr", {}, ...columns.map(([title, number]) => html("th", { scope: "col", class: number ? "number" : null }, title)))),
    html("tbody", {}, ...rows.map(row => html("tr", {}, ...row.map((cell, i) => i === 0
      ? html("th", { scope: "row", class: columns[i][1] ? "number" : null }, ...content(cell, columns[i][1]))
      : html("td", { class: columns[i][1] ? "number" : columns[i][2] ?? null }, ...content(cell, columns[i][1])))))));
}
const spoken = text => html("span", { class: "spoken" }, text);
// A share as a bar behind nothing: its number stands beside it.
function bar(share) {
  const inner = html("span");
  inner.style.width = `${100 * Math.max(0, Math.min(1, share))}%`;
  return html("span", { class: "bar", "aria-hidden": "true" }, inner);
}
// Entries that a list of names gives a select, and what is done when one is chosen.
function choices(select, names, choose) {
  names.forEach((name, i) => select.append(html("option", { value: i }, name)));
  select.addEventListener("change", () => choose(+select.value));
}

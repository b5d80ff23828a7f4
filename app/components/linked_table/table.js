// A table whose rows can be chosen. All text reaches the page as text. Rows that stand for an item or a cluster share
// the page's selection; a row of a "choice" is marked at once and reported to Python.
import { whenGone } from "#surge/component.js";
import { SELECTION, ask, selected } from "#surge/events.js";

export default function ({ parentElement, data, setStateValue }) {
  const view = (parentElement.surgeTable ??= create(parentElement));
  // a value that stays until the next one, so that no answer to something else can lose it
  view.report = (id) => setStateValue("chosen", { id, history: view.data.history, number: Date.now() });
  const text = JSON.stringify(data);
  if (view.text !== text) {
    view.text = text;
    update(view, data);
  }
  return whenGone(view, view.scroller, () => removeEventListener(SELECTION, view.listen));
}

function create(root) {
  const view = { scroller: root.querySelector(".scroller"), sort: null, rows: [] };
  view.listen = () => mark(view, true);
  addEventListener(SELECTION, view.listen);
  view.scroller.onclick = (event) => {
    const row = event.target.closest("tbody tr");
    if (row) choose(view, row, event);
  };
  view.scroller.onkeydown = (event) => press(view, event);
  return view;
}

function update(view, data) {
  const { scroller } = view;
  const heads = JSON.stringify(data.heads.map(([name]) => name));
  if (view.heads !== heads) view.sort = null; // other columns
  view.heads = heads;
  view.data = data;
  for (const [name, colour] of Object.entries(data.colours)) scroller.style.setProperty(`--${name}`, colour);
  scroller.style.maxHeight = `${data.height}px`;
  const focused = view.rows.findIndex((row) => row.matches(":focus"));
  const table = element("table", { role: "grid", "aria-multiselectable": String(data.kind === "item") });
  table.append(element("caption", {}, data.alt), headOf(view), bodyOf(view));
  const { scrollTop, scrollLeft } = scroller;
  scroller.replaceChildren(table);
  scroller.scrollTo(scrollLeft, scrollTop);
  arrange(view);
  mark(view, false);
  view.rows[focused]?.focus({ preventScroll: true });
}

function headOf(view) {
  const row = element("tr");
  view.data.heads.forEach(([name, label, meaning, kind], column) => {
    const button = element("button", { type: "button", ...(meaning ? { title: meaning } : {}) }, label);
    button.onclick = () => {
      view.sort = nextSort(view.sort, column, kind);
      arrange(view);
    };
    const head = element("th", { scope: "col", class: kind, "data-name": name });
    head.append(button);
    row.append(head);
  });
  const top = element("thead");
  top.append(row);
  return top;
}

function bodyOf(view) {
  const { rows, heads, keys } = view.data;
  view.body = element("tbody");
  view.rows = rows.map((texts, number) => {
    const row = element("tr", { tabindex: "-1" });
    texts.forEach((text, column) => {
      const [name, , , kind] = heads[column];
      const cell = element("td", kind ? { class: kind } : {});
      const colour = keys[name]?.[number];
      if (colour && text) {
        const key = element("span", { class: "key" }, text);
        [key.style.background, key.style.color] = colour;
        cell.append(key);
      } else {
        cell.textContent = text;
      }
      if (kind === "text") cell.title = text; // what doesn't fit is cut
      row.append(cell);
    });
    row.surgeNumber = number;
    return row;
  });
  return view.body;
}

// -- order ----------------------------------------------------------------------------------------------

// The numbers of the rows in the order of their values; what is empty comes last, and equal ones stay as they stand.
export function sorted(values, rising) {
  const sign = rising ? 1 : -1;
  return values
    .map((_, number) => number)
    .sort((a, b) => {
      const [x, y] = [values[a], values[b]];
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      const less = typeof x === "number" ? x - y : x.localeCompare(y, undefined, { numeric: true });
      return sign * less || a - b;
    });
}

// What a click on a column's head asks for: the first puts the largest numbers, or the first words, on top, the second
// turns them round, the third ends the sorting.
export function nextSort(now, column, kind) {
  const rising = kind !== "number";
  if (now?.column !== column) return { column, rising };
  return now.rising === rising ? { column, rising: !rising } : null;
}

function arrange(view) {
  const { sort, data } = view;
  const order = sort ? sorted(data.sorts[sort.column], sort.rising) : view.rows.keys();
  view.body.replaceChildren(...[...order].map((number) => view.rows[number]));
  view.scroller.querySelectorAll("th").forEach((head, column) => {
    const way = sort?.column === column ? (sort.rising ? "ascending" : "descending") : "none";
    head.setAttribute("aria-sort", way);
  });
  reach(view);
}

// The keyboard reaches the table's rows at one of them; the arrow keys go on from there.
function reach(view, row = view.rows.find((each) => each.ariaSelected === "true") ?? view.body.firstChild) {
  for (const each of view.rows) each.tabIndex = each === row ? 0 : -1;
}

// -- what is chosen -------------------------------------------------------------------------------------

function mark(view, follow) {
  const { kind, ids } = view.data ?? {};
  if (!kind) return;
  const { items, cluster, clusters } = selected();
  const chosen = new Set(items);
  const touched = new Set(items.map((item) => clusters[item]));
  let first = null;
  view.rows.forEach((row, number) => {
    const id = ids[number];
    const strong = kind === "item" ? chosen.has(id) : id === (kind === "cluster" ? cluster : view.data.chosen);
    const near = kind === "item" ? clusters[id] === cluster : kind === "cluster" && touched.has(id);
    row.ariaSelected = String(strong);
    row.classList.toggle("near", near && !strong);
    if (strong) first ??= row;
  });
  reach(view);
  if (follow && first && !view.scroller.matches(":hover")) show(view.scroller, first);
}

// Moves the table alone, not the page, and only where the row is out of sight.
function show(scroller, row) {
  const top = row.offsetTop - (scroller.querySelector("thead")?.offsetHeight ?? 0);
  const bottom = row.offsetTop + row.offsetHeight - scroller.clientHeight;
  if (scroller.scrollTop > top) scroller.scrollTop = top;
  else if (scroller.scrollTop < bottom) scroller.scrollTop = bottom;
}

function choose(view, row, event) {
  const { kind, ids, history } = view.data;
  const id = ids[row.surgeNumber];
  reach(view, row);
  if (kind === "choice") {
    view.data.chosen = id;
    view.text = null; // what Python says next is drawn, even if it is what stood there before
    mark(view, false);
    view.report(id);
    return;
  }
  ask(kind === "item" ? [id] : [-1, id], event, history);
}

function press(view, event) {
  const row = event.target.closest("tbody tr");
  if (!row) return;
  const steps = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling };
  const ends = { Home: view.body.firstChild, End: view.body.lastChild };
  if (event.key === "Enter" || event.key === " ") {
    choose(view, row, event);
  } else if (event.key in steps || event.key in ends) {
    const next = steps[event.key] ?? ends[event.key];
    if (next) {
      reach(view, next);
      next.focus({ preventScroll: true });
      show(view.scroller, next);
    }
  } else {
    return;
  }
  event.preventDefault();
}

function element(name, attributes = {}, text = null) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

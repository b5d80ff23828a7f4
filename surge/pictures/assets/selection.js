// What is selected on the page: views ask for a change, all of them hear of it at once, Python afterwards; its answer
// has the last word.
import { whenGone } from "#surge/component.js";
import { CHOOSE, SELECTION, selected } from "#surge/events.js";

const PATIENCE = 5000; // milliseconds after a click for which an answer to an older one is left aside
const WRITTEN =
  "input:not([type='radio'], [type='checkbox']), textarea, select, [contenteditable], [data-testid='stDataFrame']";
const OVER = "[role='dialog'], [data-testid='stPopoverBody'], [role='listbox'], :popover-open";

export default function ({ parentElement, data, setStateValue }) {
  const page = (parentElement.surgeClicks ??= start());
  page.report = setStateValue; // stays until the next one, so that no answer to something else can lose it
  if (page.history !== data.history) page.clicked = 0; // no answer to a click in another history is awaited
  page.history = data.history;
  clearTimeout(page.later);
  const answer = () => publish({ items: data.items, cluster: data.cluster, clusters: data.clusters });
  const patience = data.answered >= page.clicked ? 0 : page.clicked + PATIENCE - Date.now();
  if (patience <= 0) answer();
  else page.later = setTimeout(answer, patience); // a click that Python never heard of ends then
  return whenGone(page, parentElement, () => stop(parentElement, page));
}

function start() {
  const page = { clicked: 0 };
  page.choose = ({ detail: { numbers, add, history } }) => {
    if (history !== page.history) return; // a view of a history that has just gone, or is still to come
    publish(toggled(selected(), numbers, add));
    report(page);
  };
  page.press = (event) => press(page, event);
  addEventListener(CHOOSE, page.choose);
  addEventListener("keydown", page.press);
  return page;
}

function stop(root, page) {
  clearTimeout(page.later);
  removeEventListener(CHOOSE, page.choose);
  removeEventListener("keydown", page.press);
  delete root.surgeClicks;
}

// The one rule of a click: it selects alone (again: nothing); with Shift it adds or takes away. An item of -1 means the
// cluster.
export function toggled(now, [item, cluster], add) {
  if (item < 0) {
    const items = add ? now.items : [];
    const again = now.cluster === cluster && items.length === now.items.length;
    return { ...now, items, cluster: again ? null : cluster };
  }
  const items = new Set(add ? now.items : []);
  const alone = now.cluster === null && now.items.length === 1 && now.items[0] === item;
  if (add ? !items.delete(item) : !alone) items.add(item);
  return { ...now, items: [...items].sort((a, b) => a - b), cluster: add ? now.cluster : null };
}

// Escape ends the selection, unless something else on the page listens for it.
function press(page, event) {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  const target = event.composedPath()[0];
  if (target instanceof Element && target.closest(WRITTEN)) return;
  if (document.querySelector(OVER)) return;
  const now = selected();
  if (!now.items.length && now.cluster === null) return;
  publish({ ...now, items: [], cluster: null });
  report(page);
}

function report(page) {
  clearTimeout(page.later);
  page.clicked = Date.now();
  const { items, cluster } = selected();
  page.report("selected", { items, cluster, history: page.history, number: page.clicked });
}

function publish(selection) {
  const detail = { ...selection, source: "page_selection" };
  globalThis.surgeSelection = detail; // for views that come later
  dispatchEvent(new CustomEvent(SELECTION, { detail }));
}

// What is selected on a page, as all its views share it: the events, and how a view asks for a change.
export const SELECTION = "surge:selection"; // the window's event that says what is selected now
export const CHOOSE = "surge:choose"; // asks the page's listener, selection.js, to select something
export const DRAWN = "surge:drawn"; // rises from a chart that plotly has drawn, or drawn again, whole

// What is selected now; also for a view that comes to the page later. `clusters`: the first choice of each item.
export function selected() {
  const { items = [], cluster = null, clusters = [] } = globalThis.surgeSelection ?? {};
  return { items, cluster, clusters };
}

// `numbers`: an item, or -1 and a cluster, of the history with this digest; `event`: the click or the key.
export function ask(numbers, event, history) {
  const add = Boolean(event?.shiftKey || event?.ctrlKey || event?.metaKey);
  dispatchEvent(new CustomEvent(CHOOSE, { detail: { numbers, add, history } }));
}

// Clicks on the plotly charts of the page, and the frames around what is selected, drawn over the charts at once:
// Python hears of a click afterwards and its answer has the last word.
const SELECTION = "surge:selection"; // the window's event by which all views of a page share what is selected
const PATIENCE = 5000; // milliseconds after a click for which an answer to an older one is left aside
const SVG = "http://www.w3.org/2000/svg";
const WRITTEN = "input:not([type='radio'], [type='checkbox']), textarea, select, [contenteditable], [role='grid']";
const VEIL = 0.62; // opacity of the page's colour over what is not selected

export default function ({ parentElement, data, setTriggerValue }) {
  const charts = (parentElement.surgeCharts ??= start());
  charts.report = setTriggerValue;
  charts.gone = false;
  charts.colours = data.colours;
  charts.clears = data.clears;
  clearTimeout(charts.later);
  const answer = () => publish({ items: data.items, cluster: data.cluster, clusters: data.clusters });
  const patience = data.answered >= charts.clicked ? 0 : charts.clicked + PATIENCE - Date.now();
  if (patience <= 0) {
    answer();
  } else {
    draw(charts); // in the new colours
    charts.later = setTimeout(answer, patience); // a click that Python never heard of ends then
  }
  return () => {
    charts.gone = true;
    // the next run of the script takes the charts over; they are let go when the page is left
    setTimeout(() => {
      if (charts.gone && !parentElement.isConnected) stop(parentElement, charts);
    }, 0);
  };
}

function start() {
  const charts = { plots: new Set(), clicked: 0, colours: { text: "#000", surface: "#fff" } };
  let waiting = false;
  charts.observer = new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      attach(charts);
    });
  });
  charts.observer.observe(document.body, { childList: true, subtree: true });
  charts.listen = () => draw(charts);
  charts.press = (event) => press(charts, event);
  addEventListener(SELECTION, charts.listen);
  addEventListener("keydown", charts.press);
  attach(charts);
  return charts;
}

function stop(root, charts) {
  clearTimeout(charts.later);
  charts.observer.disconnect();
  removeEventListener(SELECTION, charts.listen);
  removeEventListener("keydown", charts.press);
  for (const plot of charts.plots) release(charts, plot);
  delete root.surgeCharts;
}

// -- charts ---------------------------------------------------------------------------------------------

// Finds charts that have come, or that plotly has made anew, and lets go those that have left.
function attach(charts) {
  for (const plot of charts.plots) if (!plot.isConnected) release(charts, plot);
  for (const plot of document.querySelectorAll(".stPlotlyChart .js-plotly-plot")) {
    const key = keyOf(plot);
    if (!key || !plot._ev || plot.surgeChart?.emitter === plot._ev) continue; // plotly drops its listeners with _ev
    plot.on("plotly_click", (event) => click(charts, plot, event));
    plot.on("plotly_afterplot", () => place(charts, plot));
    plot.surgeChart = { emitter: plot._ev };
    charts.plots.add(plot);
    place(charts, plot);
  }
}

function release(charts, plot) {
  charts.plots.delete(plot);
  plot.surgeChart?.overlay?.remove();
  delete plot.surgeChart;
}

function keyOf(plot) {
  const named = plot.closest("[class*='st-key-']");
  return [...(named?.classList ?? [])].find((name) => name.startsWith("st-key-"))?.slice("st-key-".length);
}

// -- clicks ---------------------------------------------------------------------------------------------

function click(charts, plot, event) {
  // the page has been left, or the figure doesn't show the items that can be selected here
  if (!charts.plots.has(plot) || !plot.layout?.meta?.items) return;
  const numbers = numbersOf(plot, event.points?.[0]);
  if (!numbers.length || (numbers[0] < 0 && !(numbers[1] >= 0))) return; // nothing that can be selected
  const source = event.event ?? {};
  const add = Boolean(source.shiftKey || source.ctrlKey || source.metaKey);
  toggle(numbers[0], numbers[1], add);
  report(charts, "clicked", { chart: keyOf(plot), data: numbers, add });
}

// The numbers of a point's customdata; a cell of a heatmap has none, its row and column are those of layout.meta.
function numbersOf(plot, point) {
  const { rows } = plot.layout.meta;
  if (point?.fullData?.type === "heatmap" && rows) return [rows[point.y], rows[point.x]];
  return Object.values(point?.customdata ?? []).filter((value) => typeof value === "number");
}

// As state.click_item and state.click_cluster do: a click selects alone (again: nothing), with Shift it adds or takes
// away. An item of -1 means the cluster.
function toggle(item, cluster, add) {
  const now = current();
  if (item >= 0) {
    const items = new Set(add ? now.items : []);
    if (add ? !items.delete(item) : !(isOnly(now, item) && now.cluster === null)) items.add(item);
    publish({ ...now, items: [...items].sort((a, b) => a - b), cluster: add ? now.cluster : null });
  } else {
    const items = add ? now.items : [];
    const again = now.cluster === cluster && items.length === now.items.length;
    publish({ ...now, items, cluster: again ? null : cluster });
  }
}

function isOnly({ items }, item) {
  return items.length === 1 && items[0] === item;
}

// Escape ends the selection, unless something else on the page listens for it.
function press(charts, event) {
  if (event.key !== "Escape" || event.defaultPrevented || !charts.clears) return;
  const target = event.composedPath()[0];
  if (target instanceof Element && target.closest(WRITTEN)) return;
  if (document.querySelector("[role='dialog'], [data-testid='stPopoverBody'], [role='listbox']")) return;
  const now = current();
  if (!now.items.length && now.cluster === null) return;
  publish({ ...now, items: [], cluster: null });
  report(charts, "cleared", {});
}

function report(charts, name, value) {
  clearTimeout(charts.later);
  charts.clicked = Date.now();
  charts.report(name, { ...value, number: charts.clicked });
}

// -- the selection --------------------------------------------------------------------------------------

function current() {
  const { items = [], cluster = null, clusters = [] } = globalThis.surgeSelection ?? {};
  return { items, cluster, clusters };
}

function publish(selection) {
  const detail = { ...selection, source: "chart_clicks" };
  globalThis.surgeSelection = detail; // for views that come later
  dispatchEvent(new CustomEvent(SELECTION, { detail }));
}

function draw(charts) {
  for (const plot of charts.plots) place(charts, plot);
}

// -- frames ---------------------------------------------------------------------------------------------

// Lays the frames over a chart where its axes put them now.
function place(charts, plot) {
  const meta = plot.layout?.meta;
  const { xaxis, yaxis, width, height } = plot._fullLayout ?? {};
  if (!plot.surgeChart || !meta?.items || !xaxis?.l2p || !yaxis?.l2p) return;
  const { items, cluster } = current();
  const chosen = [...items.flatMap((item) => meta.items[item] ?? []), ...(meta.clusters?.[cluster] ?? [])];
  const overlay = overlayOf(plot);
  overlay.setAttribute("width", width);
  overlay.setAttribute("height", height);
  const drawn = [];
  const box = ([x0, x1, y0, y1]) => {
    const across = [x0, x1].map((x) => Math.round(xaxis._offset + xaxis.l2p(x))).sort((a, b) => a - b);
    const down = [y0, y1].map((y) => Math.round(yaxis._offset + yaxis.l2p(y))).sort((a, b) => a - b);
    return [across[0], down[0], across[1] - across[0], down[1] - down[0]];
  };
  if (meta.fades && (items.length || cluster !== null)) {
    const kept = new Set(chosen.map(String));
    const rest = merged(meta.items.flat().filter((rectangle) => !kept.has(String(rectangle))));
    for (const rectangle of rest) {
      drawn.push(shape(box(rectangle), { fill: charts.colours.surface, "fill-opacity": VEIL }));
    }
  }
  for (const rectangle of merged(chosen)) {
    const [x, y, across, down] = box(rectangle);
    const inside = [x + 0.5, y + 0.5, Math.max(across - 1, 1), Math.max(down - 1, 1)]; // on whole pixels: sharp
    const { text } = charts.colours;
    drawn.push(shape(inside, { fill: text, "fill-opacity": 0.08, stroke: text, "stroke-width": 1, rx: 2 }));
  }
  overlay.replaceChildren(...drawn);
}

// Between the marks and the words of a chart, so that notes and hover boxes lie above it.
function overlayOf(plot) {
  const chart = plot.surgeChart;
  if (!chart.overlay) {
    chart.overlay = document.createElementNS(SVG, "svg");
    chart.overlay.setAttribute("class", "surge-selection");
    chart.overlay.setAttribute("aria-hidden", "true");
    chart.overlay.style.cssText = "position: absolute; left: 0; top: 0; pointer-events: none; overflow: visible";
  }
  const marks = plot.querySelector(".main-svg");
  if (marks && marks.nextElementSibling !== chart.overlay) marks.after(chart.overlay);
  return chart.overlay;
}

function shape([x, y, width, height], attributes) {
  const rectangle = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ x, y, width, height, ...attributes })) {
    rectangle.setAttribute(name, value);
  }
  return rectangle;
}

// Neighbours side by side, or one above the other, become one rectangle.
function merged(rectangles) {
  const side = join(new Map(rectangles.map((r) => [String(r), r])).values(), 0, 1, 2, 3);
  return join(side, 2, 3, 0, 1);
}

function join(rectangles, from, to, low, high) {
  const sorted = [...rectangles].sort((a, b) => a[low] - b[low] || a[high] - b[high] || a[from] - b[from]);
  const joined = [];
  for (const rectangle of sorted) {
    const last = joined.at(-1);
    if (last && last[low] === rectangle[low] && last[high] === rectangle[high] && last[to] === rectangle[from]) {
      last[to] = rectangle[to];
    } else {
      joined.push([...rectangle]);
    }
  }
  return joined;
}

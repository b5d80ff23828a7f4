// One plotly chart, and the frames around what is selected in it, drawn over it without a redraw.
import { download, whenGone, whenLoaded } from "#surge/component.js";
import { DRAWN, SELECTION, ask, selected } from "#surge/events.js";
import { MARKS, axesOf } from "#surge/plotly_parts.js";
import { merged } from "#surge/rectangles.js";

const SVG = "http://www.w3.org/2000/svg";
const VEIL = 0.62; // opacity of the page's colour over what is not selected
const FINE = 2; // pixels of a saved PNG for each pixel of the screen
// no buttons, no zoom, and a "$" in a title is no formula
const STATIC = { displayModeBar: false, scrollZoom: false, doubleClick: false, responsive: false, typesetMath: false };

export default function ({ parentElement, data }) {
  const chart = (parentElement.surgeChart ??= create(parentElement));
  chart.data = data;
  const ended = whenGone(chart, chart.plot, () => destroy(parentElement, chart));
  chart.plot.style.height = `${data.height}px`; // holds the place until it is drawn
  chart.plot.setAttribute("aria-label", data.alt);
  whenLoaded(chart, "Plotly", () => draw(chart));
  return ended;
}

function create(root) {
  const plot = root.querySelector(".surge-chart");
  plot.setAttribute("role", "figure");
  const chart = { plot, text: null, width: 0, drawn: false };
  root.querySelectorAll("[data-format]").forEach((button) => {
    button.onclick = () => save(chart, button.dataset.format);
  });
  plot.surgeChart = chart;
  chart.listen = () => frame(chart);
  addEventListener(SELECTION, chart.listen);
  chart.observer = new ResizeObserver(() => {
    const width = chart.data?.width ?? plot.clientWidth;
    if (!chart.text || !width || width === chart.width) return;
    chart.width = width;
    globalThis.Plotly.relayout(plot, { width });
  });
  chart.observer.observe(plot);
  return chart;
}

function destroy(root, chart) {
  removeEventListener(SELECTION, chart.listen);
  chart.observer.disconnect();
  globalThis.Plotly?.purge(chart.plot);
  delete root.surgeChart;
}

function draw(chart) {
  const { plot, data } = chart;
  const width = data.width ?? plot.clientWidth;
  if (chart.text === data.figure && chart.width === width) {
    frame(chart); // in the new colours
    return;
  }
  const first = chart.text === null;
  chart.text = data.figure;
  chart.width = width;
  const { data: traces, layout, frames } = JSON.parse(data.figure);
  layout.width = width || undefined;
  chart.drawn = false;
  globalThis.Plotly.react(plot, { data: traces, layout, frames, config: STATIC }).then(() => {
    chart.drawn = true;
    plot.dispatchEvent(new CustomEvent(DRAWN, { bubbles: true }));
  });
  if (first) {
    plot.on("plotly_click", (event) => click(chart, event));
    plot.on("plotly_afterplot", () => frame(chart));
  }
  frame(chart);
}

// The picture as a file, without the frames; plotly's own styles are in it.
async function save({ plot, data }, format) {
  const size = { width: plot.layout.width, height: data.height };
  const address = await globalThis.Plotly.toImage(plot, { format, ...size, scale: FINE });
  download(address, `${data.key}.${format}`);
}

// -- clicks ---------------------------------------------------------------------------------------------

function click({ plot, data }, event) {
  if (!plot.layout?.meta?.items) return; // the figure doesn't show the items that can be selected here
  const numbers = numbersOf(plot, event.points?.[0]);
  if (!numbers.length || (numbers[0] < 0 && !(numbers[1] >= 0))) return; // nothing that can be selected
  ask(numbers, event.event, data.history);
}

// The numbers of a point's customdata; a cell of a heatmap has none, its row and column are those of layout.meta.
export function numbersOf(plot, point) {
  const { rows } = plot.layout.meta;
  if (point?.fullData?.type === "heatmap" && rows) return [rows[point.y], rows[point.x]];
  return Object.values(point?.customdata ?? []).filter((value) => typeof value === "number");
}

// -- frames ---------------------------------------------------------------------------------------------

// Lays the frames over a chart where its axes put them now.
function frame(chart) {
  const { plot, data } = chart;
  const meta = plot.layout?.meta;
  const axes = axesOf(plot);
  if (!meta?.items || !axes) return;
  const { items, cluster } = selected();
  const chosen = [...items.flatMap((item) => meta.items[item] ?? []), ...(meta.clusters?.[cluster] ?? [])];
  const overlay = overlayOf(chart);
  overlay.setAttribute("width", axes.width);
  overlay.setAttribute("height", axes.height);
  const drawn = [];
  const box = ([x0, x1, y0, y1]) => {
    const across = [x0, x1].map((x) => Math.round(axes.across(x))).sort((a, b) => a - b);
    const down = [y0, y1].map((y) => Math.round(axes.down(y))).sort((a, b) => a - b);
    return [across[0], down[0], across[1] - across[0], down[1] - down[0]];
  };
  if (meta.fades && (items.length || cluster !== null)) {
    const kept = new Set(chosen.map(String));
    const rest = merged(meta.items.flat().filter((rectangle) => !kept.has(String(rectangle))));
    for (const rectangle of rest) {
      drawn.push(shape(box(rectangle), { fill: data.colours.surface, "fill-opacity": VEIL }));
    }
  }
  for (const rectangle of merged(chosen)) {
    const [x, y, across, down] = box(rectangle);
    const inside = [x + 0.5, y + 0.5, Math.max(across - 1, 1), Math.max(down - 1, 1)]; // on whole pixels: sharp
    const { text } = data.colours;
    drawn.push(shape(inside, { fill: text, "fill-opacity": 0.08, stroke: text, "stroke-width": 1, rx: 2 }));
  }
  overlay.replaceChildren(...drawn);
}

// Between the marks and the words of a chart, so that notes and hover boxes lie above it.
function overlayOf(chart) {
  if (!chart.overlay) {
    chart.overlay = document.createElementNS(SVG, "svg");
    chart.overlay.setAttribute("class", "surge-selection");
    chart.overlay.setAttribute("aria-hidden", "true");
    chart.overlay.style.cssText = "position: absolute; left: 0; top: 0; pointer-events: none; overflow: visible";
  }
  const marks = chart.plot.querySelector(MARKS);
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

// Draws the report's pictures in the reader's theme, and again when it changes. Nothing is asked from anywhere.
import { selected } from "#surge/events.js";
import { look } from "#surge/themes.js";

const root = document.documentElement;
const pictures = read("pictures");
const graphs = read("graphs");
const looks = read("looks");
const clusters = read("clusters"); // the first choice of each item
const system = matchMedia("(prefers-color-scheme: dark)");
const PAPER = 650; // pixels of a chart on paper: A4 without its margins and the card's own
let chosen = root.dataset.theme ?? null; // null follows the system
let layer = Object.keys(graphs)[0] ?? null;

function read(name) {
  return JSON.parse(document.getElementById(`data-${name}`).textContent);
}

// A script that the page carries compressed; running it as an inline one needs no eval.
async function unpack(name) {
  const holder = document.getElementById(name);
  if (!holder) return;
  const bytes = Uint8Array.from(atob(holder.textContent), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  holder.replaceWith(script);
}

function theme() {
  return chosen ?? (system.matches ? "dark" : "light");
}

// All charts, as wide as their cards or, for paper, of a width of their own.
function drawCharts(name, width = null) {
  for (const [key, picture] of Object.entries(pictures)) {
    const place = document.getElementById(`picture-${key}`);
    if (!place.firstChild) place.append(document.getElementById("chart-parts").content.cloneNode(true));
    const { data, layout, frames } = look(picture, name);
    const figure = JSON.stringify({ data, layout: { ...layout, clickmode: "event" }, frames });
    const alt = place.getAttribute("aria-label");
    const chart = { key, figure, height: layout.height, alt, colours: looks[name], width };
    globalThis.surgeDrawChart({ parentElement: place, data: chart });
  }
}

// Every click selects in all pictures; what is selected stays when the theme changes.
function link() {
  const data = { ...selected(), clusters, answered: Infinity };
  globalThis.surgeListen?.({ parentElement: document.body, data, setStateValue: () => {} });
}

function drawGraph(name) {
  const place = document.getElementById("picture-graph");
  if (!place || layer === null) return;
  if (!place.shadowRoot) {
    const parts = document.getElementById("graph-parts").content.cloneNode(true);
    place.attachShadow({ mode: "open" }).append(parts);
  }
  const data = look(graphs[layer], name);
  globalThis.surgeDrawGraph({ parentElement: place.shadowRoot, data });
  document.getElementById("caption-graph")?.replaceChildren(data.caption);
  for (const button of document.querySelectorAll("[data-layer]")) {
    button.setAttribute("aria-pressed", String(button.dataset.layer === layer));
  }
}

function show(name) {
  root.dataset.shown = name;
  const toggle = document.getElementById("toggle");
  if (toggle) toggle.textContent = name === "dark" ? "Light" : "Dark";
  drawGraph(name);
  drawCharts(name);
  link();
}

// On paper all is light, as browsers leave out the dark ground, and charts are as wide as the page.
function fitPaper(printing) {
  const name = printing ? "light" : theme();
  drawGraph(name);
  drawCharts(name, printing ? PAPER : null);
}

async function start() {
  await unpack("vis-network");
  await unpack("plotly");
  show(theme());
  document.getElementById("toggle")?.addEventListener("click", () => {
    chosen = theme() === "dark" ? "light" : "dark";
    root.dataset.theme = chosen;
    show(chosen);
  });
  for (const button of document.querySelectorAll("[data-layer]")) {
    button.addEventListener("click", () => {
      layer = button.dataset.layer;
      drawGraph(theme());
    });
  }
  system.addEventListener("change", () => {
    if (chosen === null) show(theme());
  });
  addEventListener("beforeprint", () => fitPaper(true));
  addEventListener("afterprint", () => fitPaper(false));
  root.dataset.ready = "true";
}

start().catch((problem) => {
  const notice = document.getElementById("failed");
  notice.hidden = false;
  notice.textContent = `The pictures could not be drawn (${problem}). The tables below hold the same values.`;
  root.dataset.ready = "failed";
});

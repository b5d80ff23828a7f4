// Draws the interest graph with vis-network; a click on a node selects it. All text reaches the page as text.
// Works on any page that has vis-network and graph.html's markup: graph({ parentElement, data }).
import { whenGone, whenLoaded } from "#surge/component.js";
import { SELECTION, ask, selected } from "#surge/events.js";
import { ring, write } from "#surge/graph_ink.js";
import { focus, hideTip, press, showTip } from "#surge/graph_keys.js";
import { looks } from "#surge/graph_looks.js";
import { savePicture } from "#surge/graph_saving.js";

export default function graph({ parentElement, data }) {
  const view = (parentElement.surgeGraph ??= create(parentElement));
  view.data = data;
  const ended = whenGone(view, view.frame, () => destroy(parentElement, view));
  whenLoaded(view, "vis", () => update(view));
  return ended;
}

function create(root) {
  const view = {
    frame: root.querySelector(".frame"),
    canvas: root.querySelector(".canvas"),
    tip: root.querySelector(".tip"),
    said: root.querySelector(".said"),
    network: null,
    digest: null,
    touched: false,
    focused: null,
    selection: selectionOf(selected()), // chosen before this graph came to the page
  };
  root.querySelector(".reset").onclick = () => {
    view.nodes?.update(view.base.map(({ id, x, y }) => ({ id, x, y })));
    view.touched = false;
    fit(view);
  };
  root.querySelector(".save").onclick = () => savePicture(view);
  view.canvas.onkeydown = (event) => press(view, event, (node) => choose(view, node, event));
  view.canvas.addEventListener("focusout", (event) => {
    if (!view.canvas.contains(event.relatedTarget)) focus(view, null);
  });
  view.listen = (event) => {
    view.selection = selectionOf(event.detail);
    if (view.network) highlight(view);
  };
  addEventListener(SELECTION, view.listen);
  view.observer = new ResizeObserver(() => {
    if (!view.touched) fit(view);
  });
  view.observer.observe(view.frame);
  return view;
}

function destroy(root, view) {
  removeEventListener(SELECTION, view.listen);
  view.observer.disconnect();
  view.network?.destroy();
  delete root.surgeGraph;
}

function fit(view) {
  if (!view.network || !view.frame.clientWidth) return;
  view.network.redraw();
  view.network.fit({ animation: false, maxZoomLevel: 1.4 });
}

function update(view) {
  const { data } = view;
  view.frame.style.height = `${data.height}px`;
  view.frame.style.setProperty("--surface", data.colours.surface);
  view.frame.style.setProperty("--text", data.colours.text);
  view.frame.style.setProperty("--line", data.colours.line);
  view.frame.style.setProperty("--control", data.colours.muted);
  if (view.digest !== data.digest) {
    draw(view);
    view.digest = data.digest;
  }
  view.canvas.setAttribute("aria-label", data.label);
  highlight(view);
}

// -- the picture ----------------------------------------------------------------------------------------

// A new history is laid out anew. A new layer, candidate or theme leaves every node where it stands; edits of the
// history leave there those that were there before.
function draw(view) {
  const { data } = view;
  const { nodes, edges, options } = structuredClone(data.graph);
  const page = getComputedStyle(view.frame).getPropertyValue("--st-background-color").trim();
  view.ground = page || data.colours.background; // what halos and the rims of nodes vanish into
  const old = view.base ?? [];
  // names and letters are written by write(), so that they never lie on one another
  view.base = nodes.map(({ title, label, ...node }) => {
    return { ...node, tip: title, label: " ", named: label !== " " };
  });
  view.byId = new Map(view.base.map((node) => [node.id, node]));
  view.items = view.base.filter((node) => !node.ghost).length;
  const relation = options.edges.arrows.to.enabled ? " is attended to by " : " – ";
  view.baseEdges = edges.map(([from, to, width, opacity, words], id) => ({
    id,
    from,
    to,
    width,
    color: { color: data.colours.edge, opacity },
    tip: `${view.byId.get(from).name}${relation}${view.byId.get(to).name}\n${words}`,
  }));
  view.edgeById = new Map(view.baseEdges.map((edge) => [edge.id, edge]));
  view.opacity = new Map();
  view.named = [];
  view.focused = null;
  hideTip(view);
  if (view.network && view.places === data.places) {
    view.edges.clear();
    const alike = ({ key, ghost }, i) => key === view.base[i].key && ghost === view.base[i].ghost;
    if (old.length === view.base.length && old.every(alike)) {
      view.nodes.update(view.base.map(({ x, y, ...node }) => node));
    } else {
      const positions = view.network.getPositions();
      const stood = new Map(old.filter(({ key }) => key !== null).map(({ id, key }) => [key, positions[id]]));
      view.nodes.clear();
      view.nodes.add(view.base.map((node) => ({ ...node, ...stood.get(node.key) })));
    }
    view.edges.add(view.baseEdges);
    view.network.setOptions(options);
    return;
  }
  view.places = data.places;
  view.touched = false;
  view.network?.destroy();
  view.nodes = new vis.DataSet(view.base);
  view.edges = new vis.DataSet(view.baseEdges);
  view.network = new vis.Network(view.canvas, { nodes: view.nodes, edges: view.edges }, options);
  view.canvas.querySelector(".vis-network").tabIndex = -1; // the canvas around it takes the keyboard
  view.network.on("click", (event) => {
    const node = view.network.getNodeAt(event.pointer.DOM);
    if (node === undefined) return;
    choose(view, node, event.event.srcEvent);
  });
  view.network.on("afterDrawing", (context) => {
    const { clientWidth: width, clientHeight: height } = view.frame;
    write(view, { network: view.network, context, width, height, ratio: 1 });
    ring(view, context);
  });
  view.network.on("hoverNode", ({ node, pointer }) => showTip(view, view.byId.get(node).tip, pointer.DOM));
  view.network.on("blurNode", () => hideTip(view));
  view.network.on("hoverEdge", ({ edge, pointer }) => showTip(view, view.edgeById.get(edge).tip, pointer.DOM));
  view.network.on("blurEdge", () => hideTip(view));
  for (const event of ["dragStart", "zoom"]) {
    view.network.on(event, () => {
      view.touched = true;
      hideTip(view);
    });
  }
  fit(view);
}

// -- what is selected -----------------------------------------------------------------------------------

function selectionOf({ items = [], cluster = null }) {
  return { items: new Set(items), cluster };
}

// The selection is drawn here and is no part of the graph's data: it moves nothing and changes no zoom.
function highlight(view) {
  const { base, baseEdges, data, ground, selection } = view;
  const chosen = new Set(data.linked ? [...selection.items].filter((id) => id >= 0 && id < view.items) : []);
  const cluster = data.linked ? selection.cluster : null;
  const now = looks({ nodes: base, edges: baseEdges, chosen, cluster, colours: data.colours, ground });
  view.named = now.named;
  view.opacity = new Map(now.nodes.map(({ id, opacity }) => [id, opacity]));
  view.nodes.update(now.nodes);
  view.edges.update(now.edges);
}

// What is gone can't be selected, and a graph beside the page's own selects nothing.
function choose(view, node, event) {
  if (view.data.linked && view.byId.get(node)?.ghost === false) ask([node], event, view.data.history);
}

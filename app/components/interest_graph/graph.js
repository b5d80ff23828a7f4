// Draws the interest graph with vis-network and reports clicks on nodes. All text reaches the page as text.
const WAIT = 20; // milliseconds between two looks for the library, which a component of its own carries
const NAME = 12.5; // pixels, the height of a name on the screen
const MOST_NAMES = 40; // more would hide the graph; hovering gives them all

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const view = (parentElement.surgeGraph ??= create(parentElement));
  view.report = (node, add) => setTriggerValue("clicked", { node, add });
  view.data = data;
  view.gone = false;
  whenLoaded(view, () => update(view));
  return () => {
    view.gone = true;
    // the next run of the script takes the view over; only one that has left the page is destroyed
    setTimeout(() => {
      if (view.gone && !view.frame.isConnected) destroy(parentElement, view);
    }, 0);
  };
}

function create(root) {
  const frame = root.querySelector(".frame");
  const view = {
    frame,
    canvas: root.querySelector(".canvas"),
    tip: root.querySelector(".tip"),
    reset: root.querySelector(".reset"),
    network: null,
    digest: null,
    touched: false,
    hovered: null,
  };
  view.reset.onclick = () => {
    view.nodes?.update(view.base.map(({ id, x, y }) => ({ id, x, y })));
    view.touched = false;
    fit(view);
  };
  view.observer = new ResizeObserver(() => {
    if (!view.touched) fit(view);
  });
  view.observer.observe(frame);
  return view;
}

function destroy(root, view) {
  view.observer.disconnect();
  view.network?.destroy();
  delete root.surgeGraph;
}

function whenLoaded(view, action) {
  if (globalThis.vis?.Network) action();
  else if (!view.gone) setTimeout(() => whenLoaded(view, action), WAIT);
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
  if (view.digest !== data.digest) {
    draw(view);
    view.digest = data.digest;
  }
  view.canvas.setAttribute("aria-label", data.label);
  highlight(view);
}

// A new history is laid out anew; a new layer, candidate or theme leaves every node where it stands.
function draw(view) {
  const graph = structuredClone(view.data.graph);
  const page = getComputedStyle(view.frame).getPropertyValue("--st-background-color").trim();
  view.ground = page || view.data.colours.background; // what halos and the rims of nodes vanish into
  // names and letters are written by write(), so that they never lie on one another
  view.base = graph.nodes.map(({ title, label, ...node }) => ({ ...node, tip: title, label: " ", named: label !== " " }));
  view.byId = new Map(view.base.map((node) => [node.id, node]));
  const relation = graph.options.edges.arrows.to.enabled ? " is attended to by " : " – ";
  view.baseEdges = graph.edges.map(([from, to, width, opacity, words], id) => ({
    id,
    from,
    to,
    width,
    color: { color: view.data.colours.edge, opacity },
    tip: `${view.byId.get(from).name}${relation}${view.byId.get(to).name}\n${words}`,
  }));
  view.edgeById = new Map(view.baseEdges.map((edge) => [edge.id, edge]));
  view.opacity = new Map();
  view.named = [];
  hideTip(view);
  const places = view.data.places;
  if (view.network && view.places === places) {
    view.network.setOptions(graph.options);
    view.nodes.update(view.base.map(({ x, y, ...node }) => node));
    view.edges.clear();
    view.edges.add(view.baseEdges);
    return;
  }
  view.places = places;
  view.touched = false;
  view.network?.destroy();
  view.nodes = new vis.DataSet(view.base);
  view.edges = new vis.DataSet(view.baseEdges);
  view.network = new vis.Network(view.canvas, { nodes: view.nodes, edges: view.edges }, graph.options);
  view.network.on("click", (event) => {
    const node = view.network.getNodeAt(event.pointer.DOM);
    if (node === undefined) return;
    const source = event.event.srcEvent;
    view.report(node, Boolean(source.shiftKey || source.ctrlKey || source.metaKey));
  });
  view.network.on("afterDrawing", (context) => write(view, context));
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

// The selection is drawn here and is no part of the graph's data: it moves nothing and changes no zoom.
function highlight(view) {
  const { selected, members, colours } = view.data;
  const chosen = new Set(selected);
  const inCluster = new Set(members);
  const near = new Set();
  for (const edge of view.baseEdges) {
    if (chosen.has(edge.from)) near.add(edge.to);
    if (chosen.has(edge.to)) near.add(edge.from);
  }
  const active = chosen.size > 0 || inCluster.size > 0;
  view.opacity = new Map();
  const important = view.base.filter((node) => node.named && (!active || inCluster.has(node.id)));
  important.sort((a, b) => b.importance - a.importance);
  view.named = [...view.base.filter((node) => chosen.has(node.id)), ...important.filter((node) => !chosen.has(node.id))];
  view.nodes.update(
    view.base.map((node) => {
      const strong = chosen.has(node.id);
      const ringed = strong || inCluster.has(node.id);
      const opacity = !active || ringed ? 1 : near.has(node.id) ? 0.9 : 0.28;
      view.opacity.set(node.id, opacity);
      return {
        id: node.id,
        opacity,
        size: strong ? node.size * 1.15 : node.size,
        borderWidth: strong ? node.size * 0.28 : ringed ? node.size * 0.16 : 1.5,
        color: { background: node.color.background, border: ringed ? colours.text : view.ground },
      };
    }),
  );
  view.edges.update(
    view.baseEdges.map((edge) => {
      const touches = chosen.has(edge.from) || chosen.has(edge.to);
      const within = inCluster.has(edge.from) && inCluster.has(edge.to);
      const color = touches ? colours.text : edge.color.color;
      const opacity = edge.color.opacity * (!active || within ? 1 : 0.3);
      return {
        id: edge.id,
        color: { color, hover: colours.text, opacity: touches ? 0.85 : opacity },
        width: edge.width + (touches ? 0.8 : 0),
      };
    }),
  );
}

// Cluster letters inside the nodes, then names beside them, in the selection's order, at one size on the screen.
function write(view, context) {
  const positions = view.network.getPositions();
  const scale = view.network.getScale();
  const discs = view.base.map((node) => ({ ...positions[node.id], r: node.size }));
  context.save();
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const node of view.base) {
    if (!node.letter || node.size * scale < 4) continue;
    const { x, y } = positions[node.id];
    context.globalAlpha = view.opacity.get(node.id) ?? 1;
    context.fillStyle = node.ink;
    context.font = `600 ${Math.round(node.size * 1.05)}px ${view.data.font}`;
    context.fillText(node.letter, x, y + node.size * 0.06);
  }
  const size = NAME / scale;
  const taken = [];
  const corner = view.network.DOMtoCanvas({ x: 0, y: 0 });
  const opposite = view.network.DOMtoCanvas({ x: view.frame.clientWidth, y: view.frame.clientHeight });
  const shown = { left: corner.x, top: corner.y, right: opposite.x, bottom: opposite.y };
  context.globalAlpha = 1;
  context.font = `500 ${size}px ${view.data.font}`;
  context.lineJoin = "round";
  context.lineWidth = size * 0.32;
  context.strokeStyle = view.ground;
  context.fillStyle = view.data.colours.text;
  for (const node of view.named.slice(0, MOST_NAMES)) {
    const { x, y } = positions[node.id];
    const width = context.measureText(node.name).width;
    const box = place({ x, y, r: node.size * 1.2 + 3 / scale }, width, size * 1.15, taken, discs, shown);
    taken.push(box);
    context.strokeText(node.name, box.x, box.y);
    context.fillText(node.name, box.x, box.y);
  }
  context.restore();
}

// Where a name covers least: below, above, beside or at a corner of its node, in this order where it is all the same.
function place({ x, y, r }, width, height, taken, discs, shown) {
  const beside = r + width / 2 + height * 0.2;
  const options = [
    { x, y: y + r + height * 0.55 },
    { x, y: y - r - height * 0.55 },
    { x: x + beside, y },
    { x: x - beside, y },
    { x: x + 0.7 * r + width / 2, y: y + 0.8 * r + height / 2 },
    { x: x - 0.7 * r - width / 2, y: y + 0.8 * r + height / 2 },
    { x: x + 0.7 * r + width / 2, y: y - 0.8 * r - height / 2 },
    { x: x - 0.7 * r - width / 2, y: y - 0.8 * r - height / 2 },
  ];
  let best = null;
  for (const spot of options) {
    const box = { ...spot, w: width, h: height };
    const outside =
      Math.max(shown.left - (box.x - width / 2), 0) +
      Math.max(box.x + width / 2 - shown.right, 0) +
      Math.max(shown.top - (box.y - height / 2), 0) +
      Math.max(box.y + height / 2 - shown.bottom, 0);
    let cost = outside * height * 4;
    for (const other of taken) {
      const dx = (width + other.w) / 2 - Math.abs(box.x - other.x);
      const dy = (height + other.h) / 2 - Math.abs(box.y - other.y);
      if (dx > 0 && dy > 0) cost += 3 * dx * dy;
    }
    for (const disc of discs) {
      const dx = Math.max(Math.abs(box.x - disc.x) - width / 2, 0);
      const dy = Math.max(Math.abs(box.y - disc.y) - height / 2, 0);
      const depth = disc.r - Math.hypot(dx, dy);
      if (depth > 0) cost += 2 * depth * height;
    }
    if (!best || cost < best.cost) best = { ...box, cost };
    if (cost === 0) break;
  }
  return best;
}

function showTip(view, text, { x, y }) {
  const [first, ...rest] = String(text).split("\n");
  const title = document.createElement("strong");
  title.textContent = first;
  const lines = rest.map((line) => {
    const row = document.createElement("span");
    row.textContent = line;
    return row;
  });
  view.tip.replaceChildren(title, ...lines);
  view.tip.hidden = false;
  const { clientWidth, clientHeight } = view.frame;
  const left = x + 16 + view.tip.offsetWidth > clientWidth ? x - 16 - view.tip.offsetWidth : x + 16;
  const top = Math.min(y + 12, clientHeight - view.tip.offsetHeight - 4);
  view.tip.style.left = `${Math.max(4, left)}px`;
  view.tip.style.top = `${Math.max(4, top)}px`;
}

function hideTip(view) {
  view.tip.hidden = true;
}

// Draws the interest graph with vis-network; a click on a node selects it. All text reaches the page as text.
// Works on any page that has vis-network and graph.html's markup: graph({ parentElement, data }).
const WAIT = 20; // milliseconds between two looks for the library, which a component of its own carries
const NAME = 12.5; // pixels, the height of a name on the screen
const MOST_NAMES = 40; // more would hide the graph; hovering gives them all
const SELECTION = "surge:selection"; // the window's event by which all views of a page share what is selected
const CHOOSE = "surge:choose"; // asks the page's listener to select something
const FINE = 2; // pixels of a saved picture for each pixel of the screen

export default function graph({ parentElement, data }) {
  const view = (parentElement.surgeGraph ??= create(parentElement));
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
  const view = {
    frame: root.querySelector(".frame"),
    canvas: root.querySelector(".canvas"),
    tip: root.querySelector(".tip"),
    said: root.querySelector(".said"),
    network: null,
    digest: null,
    touched: false,
    focused: null,
    selection: selectionOf(globalThis.surgeSelection), // chosen before this graph came to the page
  };
  root.querySelector(".reset").onclick = () => {
    view.nodes?.update(view.base.map(({ id, x, y }) => ({ id, x, y })));
    view.touched = false;
    fit(view);
  };
  root.querySelector(".save").onclick = () => savePicture(view);
  view.canvas.onkeydown = (event) => press(view, event);
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
  const graph = structuredClone(data.graph);
  const page = getComputedStyle(view.frame).getPropertyValue("--st-background-color").trim();
  view.ground = page || data.colours.background; // what halos and the rims of nodes vanish into
  const old = view.base ?? [];
  // names and letters are written by write(), so that they never lie on one another
  view.base = graph.nodes.map(({ title, label, ...node }) => {
    return { ...node, tip: title, label: " ", named: label !== " " };
  });
  view.byId = new Map(view.base.map((node) => [node.id, node]));
  view.items = view.base.filter((node) => !node.ghost).length;
  const relation = graph.options.edges.arrows.to.enabled ? " is attended to by " : " – ";
  view.baseEdges = graph.edges.map(([from, to, width, opacity, words], id) => ({
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
    view.network.setOptions(graph.options);
    return;
  }
  view.places = data.places;
  view.touched = false;
  view.network?.destroy();
  view.nodes = new vis.DataSet(view.base);
  view.edges = new vis.DataSet(view.baseEdges);
  view.network = new vis.Network(view.canvas, { nodes: view.nodes, edges: view.edges }, graph.options);
  view.canvas.querySelector(".vis-network").tabIndex = -1; // the canvas around it takes the keyboard
  view.network.on("click", (event) => {
    const node = view.network.getNodeAt(event.pointer.DOM);
    if (node === undefined) return;
    const source = event.event.srcEvent;
    choose(view, node, Boolean(source.shiftKey || source.ctrlKey || source.metaKey));
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

// The selection is drawn here and is no part of the graph's data: it moves nothing and changes no zoom.
function highlight(view) {
  const { colours } = view.data;
  const chosen = chosenItems(view);
  const cluster = view.data.linked ? view.selection.cluster : null;
  const inCluster = new Set(view.base.filter((node) => !node.ghost && node.cluster === cluster).map((node) => node.id));
  const near = new Set();
  for (const edge of view.baseEdges) {
    if (chosen.has(edge.from)) near.add(edge.to);
    if (chosen.has(edge.to)) near.add(edge.from);
  }
  const active = chosen.size > 0 || inCluster.size > 0;
  view.opacity = new Map();
  const important = view.base.filter((node) => node.named && (!active || inCluster.has(node.id)));
  important.sort((a, b) => b.weight - a.weight);
  const isChosen = ({ id }) => chosen.has(id);
  view.named = [...view.base.filter(isChosen), ...important.filter((node) => !isChosen(node))];
  view.nodes.update(
    view.base.map((node) => {
      const strong = chosen.has(node.id);
      const ringed = strong || inCluster.has(node.id);
      const opacity = !active || ringed ? 1 : near.has(node.id) ? 0.9 : 0.28;
      view.opacity.set(node.id, opacity);
      const rim = node.ghost ? node.color.border : view.ground;
      return {
        id: node.id,
        opacity,
        size: strong ? node.size * 1.15 : node.size,
        borderWidth: strong ? node.size * 0.28 : ringed ? node.size * 0.16 : 1.5,
        color: { background: node.ghost ? view.ground : node.color.background, border: ringed ? colours.text : rim },
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

// Cluster letters inside the nodes and signs at their rims, then names beside them, in the selection's order, at one
// size on the screen. `ratio`: pixels of this drawing for one of the screen.
function write(view, { network, context, width, height, ratio }) {
  const positions = network.getPositions();
  const scale = network.getScale() / ratio;
  const nodes = view.base.filter((node) => positions[node.id]); // while nodes are exchanged, some are not there yet
  const discs = nodes.map((node) => ({ ...positions[node.id], r: node.size + 2 }));
  context.save();
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const node of nodes) {
    if (node.size * scale < 4) continue;
    const { x, y } = positions[node.id];
    context.globalAlpha = view.opacity.get(node.id) ?? 1;
    if (node.letter) {
      context.fillStyle = node.ink;
      context.font = `600 ${Math.round(node.size * 1.05)}px ${view.data.font}`;
      context.fillText(node.letter, x, y + node.size * 0.06);
    }
    if (node.sign) {
      const badge = { x: x + 0.8 * node.size, y: y - 0.8 * node.size, r: Math.max(5.5, 0.4 * node.size) };
      sign(context, badge, node.sign, view.data.colours[node.sign], view.ground);
      discs.push(badge);
    }
  }
  const size = NAME / scale;
  const taken = ratio === 1 ? [toolbar(view)] : []; // a saved picture has no buttons
  const lines = [];
  const corner = network.DOMtoCanvas({ x: 0, y: 0 });
  const opposite = network.DOMtoCanvas({ x: width, y: height });
  const shown = { left: corner.x, top: corner.y, right: opposite.x, bottom: opposite.y };
  context.globalAlpha = 1;
  context.font = `500 ${size}px ${view.data.font}`;
  context.lineJoin = "round";
  for (const node of view.named.slice(0, MOST_NAMES)) {
    const { x, y } = positions[node.id];
    const wide = context.measureText(node.name).width;
    const box = place({ x, y, r: node.size * 1.2 + 3 / scale }, wide, size * 1.15, { taken, lines, discs, shown });
    taken.push(box);
    if (box.line) {
      lines.push(box.line);
      context.beginPath();
      context.moveTo(box.line[0].x, box.line[0].y);
      context.lineTo(box.line[1].x, box.line[1].y);
      context.lineWidth = 1 / scale;
      context.strokeStyle = view.data.colours.muted;
      context.stroke();
    }
    context.lineWidth = size * 0.32;
    context.strokeStyle = view.ground;
    context.fillStyle = view.data.colours.text;
    context.strokeText(node.name, box.x, box.y);
    context.fillText(node.name, box.x, box.y);
  }
  view.names = taken.filter((box) => box.cost !== undefined); // where they are, for who looks from outside
  context.restore();
}

// + or − as strokes on a disc: what the measured effect says of the candidate.
function sign(context, { x, y, r }, which, colour, ground) {
  context.beginPath();
  context.arc(x, y, r, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.strokeStyle = ground;
  context.lineWidth = 1.2;
  context.fill();
  context.stroke();
  context.beginPath();
  context.moveTo(x - 0.55 * r, y);
  context.lineTo(x + 0.55 * r, y);
  if (which === "+") {
    context.moveTo(x, y - 0.55 * r);
    context.lineTo(x, y + 0.55 * r);
  }
  context.lineWidth = 0.3 * r;
  context.stroke();
}

function toolbar(view) {
  const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = view.frame.querySelector(".tools");
  const scale = view.network.getScale();
  const middle = view.network.DOMtoCanvas({ x: offsetLeft + offsetWidth / 2, y: offsetTop + offsetHeight / 2 });
  return { ...middle, w: offsetWidth / scale, h: offsetHeight / scale };
}

// A thin line from the rim of a node to a name that found no room beside it; null where they touch.
function lead(node, box) {
  const end = {
    x: Math.min(Math.max(node.x, box.x - box.w / 2), box.x + box.w / 2),
    y: Math.min(Math.max(node.y, box.y - box.h / 2), box.y + box.h / 2),
  };
  const long = Math.hypot(end.x - node.x, end.y - node.y);
  if (long <= node.r) return null;
  return [{ x: node.x + ((end.x - node.x) * node.r) / long, y: node.y + ((end.y - node.y) * node.r) / long }, end];
}

// How many of ten places along a line lie in a box.
function crossed(line, box) {
  let inside = 0;
  for (let step = 0; step < 10; step++) {
    const x = line[0].x + ((line[1].x - line[0].x) * step) / 9;
    const y = line[0].y + ((line[1].y - line[0].y) * step) / 9;
    if (Math.abs(x - box.x) < box.w / 2 && Math.abs(y - box.y) < box.h / 2) inside++;
  }
  return inside;
}

// Directions of a name from its node, and how far its box is shifted along x and y, in halves of its size: below,
// above, beside, at a corner, in this order where it is all the same.
const SPOTS = [
  [0, 1, 0, 1],
  [0, -1, 0, -1],
  [1, 0, 1, 0],
  [-1, 0, -1, 0],
  [0.7, 0.7, 1, 1],
  [-0.7, 0.7, -1, 1],
  [0.7, -0.7, 1, -1],
  [-0.7, -0.7, -1, -1],
  [0.2, 1, 0.55, 1],
  [-0.2, 1, -0.55, 1],
  [0.2, -1, 0.55, -1],
  [-0.2, -1, -0.55, -1],
];
const DISTANCES = [0, 0.8, 1.8, 3]; // from the node, in heights of a name

// Where a name covers least: near its node, or a little way off where there is no room.
function place({ x, y, r }, width, height, { taken, lines, discs, shown }) {
  let best = null;
  for (const distance of DISTANCES) {
    for (const [dx, dy, across, down] of SPOTS) {
      const away = r + distance * height;
      const box = {
        x: x + dx * away + across * (width / 2 + height * 0.15),
        y: y + dy * away + down * height * 0.55,
        w: width,
        h: height,
      };
      box.line = distance ? lead({ x, y, r }, box) : null;
      const outside =
        Math.max(shown.left - (box.x - width / 2), 0) +
        Math.max(box.x + width / 2 - shown.right, 0) +
        Math.max(shown.top - (box.y - height / 2), 0) +
        Math.max(box.y + height / 2 - shown.bottom, 0);
      let cost = outside * height * 4 + distance * height * height * 0.25;
      for (const other of taken) {
        const dx = (width + other.w) / 2 - Math.abs(box.x - other.x);
        const dy = (height + other.h) / 2 - Math.abs(box.y - other.y);
        if (dx > 0 && dy > 0) cost += 3 * dx * dy;
        if (box.line) cost += crossed(box.line, other) * height * height;
      }
      for (const line of lines) cost += crossed(line, box) * height * height;
      for (const disc of discs) {
        const dx = Math.max(Math.abs(box.x - disc.x) - width / 2, 0);
        const dy = Math.max(Math.abs(box.y - disc.y) - height / 2, 0);
        const depth = disc.r - Math.hypot(dx, dy);
        if (depth > 0) cost += 2 * (depth + 2) * height;
      }
      if (!best || cost < best.cost) best = { ...box, cost };
      if (cost === 0) return best;
    }
  }
  return best;
}

// -- what is selected -----------------------------------------------------------------------------------

function selectionOf(detail) {
  return { items: new Set(detail?.items ?? []), cluster: detail?.cluster ?? null };
}

function chosenItems(view) {
  return new Set(view.data.linked ? [...view.selection.items].filter((id) => id >= 0 && id < view.items) : []);
}

// What is gone can't be selected, and a graph beside the page's own selects nothing.
function choose(view, node, add) {
  if (!view.data.linked || view.byId.get(node)?.ghost !== false) return;
  dispatchEvent(new CustomEvent(CHOOSE, { detail: { numbers: [node], add, history: view.data.history } }));
}

// -- keyboard -------------------------------------------------------------------------------------------

function press(view, event) {
  const last = (view.items ?? 0) - 1;
  if (last < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  const now = view.focused;
  const steps = {
    ArrowRight: now === null ? 0 : Math.min(now + 1, last),
    ArrowLeft: now === null ? last : Math.max(now - 1, 0),
    Home: 0,
    End: last,
  };
  if (event.key in steps) focus(view, steps[event.key]);
  else if ((event.key === "Enter" || event.key === " ") && now !== null) choose(view, now, event.shiftKey);
  else if (event.key === "Escape" && now !== null) focus(view, null);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// The item that the keyboard is at: ringed, told, and brought into sight.
function focus(view, node) {
  if (view.focused === node) return;
  view.focused = node;
  if (node === null) {
    hideTip(view);
    view.said.textContent = "";
  } else {
    const { tip } = view.byId.get(node);
    const position = view.network.getPositions([node])[node];
    const { x, y } = view.network.canvasToDOM(position);
    if (x < 12 || y < 12 || x > view.frame.clientWidth - 12 || y > view.frame.clientHeight - 12) {
      view.touched = true;
      view.network.moveTo({ position, animation: false });
    }
    showTip(view, tip, view.network.canvasToDOM(position));
    view.said.textContent = tip.split("\n").join(". ");
  }
  view.network?.redraw();
}

function ring(view, context) {
  if (view.focused === null) return;
  const scale = view.network.getScale();
  const { x, y } = view.network.getPositions([view.focused])[view.focused];
  context.save();
  context.beginPath();
  context.arc(x, y, view.byId.get(view.focused).size * 1.3 + 4 / scale, 0, 2 * Math.PI);
  for (const [width, colour] of [
    [5, view.ground],
    [2.5, view.data.colours.text],
  ]) {
    context.lineWidth = width / scale;
    context.strokeStyle = colour;
    context.stroke();
  }
  context.restore();
}

// -- tooltips and pictures ------------------------------------------------------------------------------

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

// What is in sight, drawn once more at twice the size on the page's own background, as a file.
async function savePicture(view) {
  if (!view.network) return;
  const { clientWidth, clientHeight } = view.frame;
  const screen = view.canvas.querySelector("canvas");
  const ratio = (FINE * screen.clientWidth) / screen.width; // a canvas has several pixels for one on fine screens
  const [width, height] = [clientWidth * ratio, clientHeight * ratio];
  const holder = document.createElement("div");
  holder.className = "picture";
  holder.style.cssText = `width: ${width}px; height: ${height}px`;
  view.frame.append(holder);
  const positions = view.network.getPositions();
  const nodes = view.nodes.get().map((node) => ({ ...node, ...positions[node.id] }));
  const picture = new vis.Network(holder, { nodes, edges: view.edges.get() }, structuredClone(view.data.graph.options));
  picture.on("afterDrawing", (context) => write(view, { network: picture, context, width, height, ratio }));
  const scale = view.network.getScale() * ratio;
  picture.moveTo({ position: view.network.getViewPosition(), scale, animation: false });
  picture.redraw();
  await frames(2); // the library draws before the next frame
  const drawn = holder.querySelector("canvas");
  const output = document.createElement("canvas");
  [output.width, output.height] = [drawn.width, drawn.height];
  const context = output.getContext("2d");
  context.fillStyle = view.ground;
  context.fillRect(0, 0, output.width, output.height);
  context.drawImage(drawn, 0, 0);
  picture.destroy();
  holder.remove();
  const blob = await new Promise((done) => output.toBlob(done, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = "interest-graph.png";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function frames(number) {
  for (let i = 0; i < number; i++) await new Promise(requestAnimationFrame);
}

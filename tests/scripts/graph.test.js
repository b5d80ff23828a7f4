import assert from "node:assert/strict";
import { test } from "node:test";
import { key } from "./page.js";
import { press } from "#surge/graph_keys.js";
import { looks } from "#surge/graph_looks.js";
import { place } from "#surge/graph_names.js";

// -- how it looks ---------------------------------------------------------------------------------------

const colours = { text: "black" };
const node = (id, cluster, more = {}) => ({
  id,
  cluster,
  size: 10,
  weight: id,
  named: true,
  ghost: false,
  color: { background: `c${cluster}`, border: "rim" },
  ...more,
});
const NODES = [node(0, 0), node(1, 0, { named: false }), node(2, 1), node(3, 1, { ghost: true, named: false })];
const edge = (id, from, to) => ({ id, from, to, width: 2, color: { color: "grey", opacity: 0.5 } });
const EDGES = [edge(0, 0, 1), edge(1, 1, 2), edge(2, 0, 2)];
const seen = (chosen, cluster = null) =>
  looks({ nodes: NODES, edges: EDGES, chosen: new Set(chosen), cluster, colours, ground: "white" });

test("without a selection all is as strong as it was, and the heaviest names come first", () => {
  const { nodes, edges, named } = seen([]);
  assert.deepEqual(nodes.map((each) => each.opacity), [1, 1, 1, 1]);
  const color = { background: "c0", border: "white" };
  assert.deepEqual(nodes[0], { id: 0, opacity: 1, size: 10, borderWidth: 1.5, color });
  assert.deepEqual(nodes[3].color, { background: "white", border: "rim" }); // gone: hollow
  assert.deepEqual(edges[0], { id: 0, color: { color: "grey", hover: "black", opacity: 0.5 }, width: 2 });
  assert.deepEqual(named.map((each) => each.id), [2, 0]);
});

test("a chosen item is ringed and named, its neighbours stay in sight, the rest fades", () => {
  const { nodes, edges, named } = seen([1]);
  assert.deepEqual(nodes.map((each) => each.opacity), [0.9, 1, 0.9, 0.28]);
  assert.deepEqual([nodes[1].size, nodes[1].borderWidth, nodes[1].color.border], [11.5, 10 * 0.28, "black"]);
  assert.deepEqual(named.map((each) => each.id), [1]);
  assert.deepEqual(edges.map((each) => [each.color.color, each.color.opacity, each.width]), [
    ["black", 0.85, 2.8],
    ["black", 0.85, 2.8],
    ["grey", 0.15, 2],
  ]);
});

test("a cluster rings its items, not those that are gone, and keeps the edges within", () => {
  const { nodes, edges, named } = seen([], 0);
  assert.deepEqual(nodes.map((each) => each.opacity), [1, 1, 0.28, 0.28]);
  assert.deepEqual(nodes.map((each) => each.borderWidth), [1.6, 1.6, 1.5, 1.5]);
  assert.deepEqual(edges.map((each) => each.color.opacity), [0.5, 0.15, 0.15]);
  assert.deepEqual(named.map((each) => each.id), [0]);
  assert.deepEqual(seen([], 1).nodes[3].color.border, "rim");
});

test("an item beside a cluster: both are in sight, the item is named first", () => {
  assert.deepEqual(seen([2], 0).named.map((each) => each.id), [2, 0]);
  assert.deepEqual(seen([2], 0).nodes.map((each) => each.opacity), [1, 1, 1, 0.28]);
});

// -- where names stand ----------------------------------------------------------------------------------

const shown = { left: -500, top: -500, right: 500, bottom: 500 };
const free = { taken: [], lines: [], discs: [], shown };
const at = { x: 0, y: 0, r: 10 };

test("a name stands below its node where it covers nothing", () => {
  const box = place(at, 40, 10, free);
  assert.deepEqual(box, { x: 0, y: 15.5, w: 40, h: 10, line: null, cost: 0 });
});

test("where something is below, it stands above; where something is there too, beside", () => {
  const below = { x: 0, y: 15, w: 40, h: 10 };
  const above = { x: 0, y: -15, w: 40, h: 10 };
  assert.ok(place(at, 40, 10, { ...free, taken: [below] }).y < 0);
  const beside = place(at, 40, 10, { ...free, taken: [below, above] });
  assert.deepEqual([beside.y, beside.cost], [0, 0]);
  assert.ok(beside.x > 0);
});

test("a name stays in the picture and off other nodes", () => {
  const inside = place({ x: 0, y: 490, r: 10 }, 40, 10, free);
  assert.ok(inside.y + 5 <= 500);
  const crowded = place(at, 40, 10, { ...free, discs: [{ x: 0, y: 20, r: 8 }] });
  assert.ok(Math.hypot(Math.max(Math.abs(crowded.x) - 20, 0), Math.max(Math.abs(crowded.y - 20) - 5, 0)) >= 8);
});

test("a name that found no room beside its node has a line from the node's rim", () => {
  const ringed = Array.from({ length: 24 }, (_, k) => {
    const angle = (k * Math.PI) / 12;
    return { x: 28 * Math.cos(angle), y: 16 * Math.sin(angle), w: 30, h: 12 };
  });
  const { line } = place(at, 40, 10, { ...free, taken: ringed });
  assert.equal(line.length, 2);
  assert.ok(Math.abs(Math.hypot(line[0].x, line[0].y) - 10) < 1e-9);
  assert.ok(Math.hypot(line[1].x, line[1].y) > 10);
});

// -- by keyboard ----------------------------------------------------------------------------------------

// A graph of three items with the keyboard at one of them, as far as keys ask for it.
function graph(focused, items = 3) {
  const nodes = Array.from({ length: items }, (_, id) => [id, { tip: `Item ${id}\nwords` }]);
  const network = {
    getPositions: ([id]) => ({ [id]: { x: 50, y: 50 } }),
    canvasToDOM: (position) => position,
    redraw: () => {},
  };
  const frame = { clientWidth: 400, clientHeight: 300 };
  const tip = { style: {}, offsetWidth: 10, offsetHeight: 10, replaceChildren: () => {} };
  return { items, focused, byId: new Map(nodes), network, frame, tip, said: {} };
}

globalThis.document = { createElement: () => ({}) };

test("the keys go through the items and stop at both ends", () => {
  const steps = [
    [null, "ArrowRight", 0],
    [null, "ArrowLeft", 2],
    [1, "ArrowRight", 2],
    [2, "ArrowRight", 2],
    [0, "ArrowLeft", 0],
    [1, "Home", 0],
    [1, "End", 2],
    [1, "Escape", null],
  ];
  for (const [from, name, to] of steps) {
    const view = graph(from);
    const event = key(name);
    press(view, event, () => assert.fail("nothing is chosen"));
    assert.equal(view.focused, to, `${name} from ${from}`);
    assert.equal(event.stopped, 1);
    if (to !== null && to !== from) assert.equal(view.said.textContent, `Item ${to}. words`);
  }
});

test("Enter and the space bar choose the item, other keys are the page's own", () => {
  for (const name of ["Enter", " "]) {
    const chosen = [];
    press(graph(1), key(name), (id) => chosen.push(id));
    assert.deepEqual(chosen, [1]);
    const event = key(name);
    press(graph(null), event, () => assert.fail("no item"));
    assert.equal(event.stopped, 0);
  }
  for (const event of [key("Tab"), key("Escape"), key("ArrowRight", { ctrlKey: true }), key("a")]) {
    press(graph(null), event, () => assert.fail("no item"));
    assert.equal(event.stopped, 0);
  }
  const event = key("ArrowRight");
  press(graph(null, 0), event, () => assert.fail("no item"));
  assert.equal(event.stopped, 0);
});

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { heard } from "./page.js";
import { CHOOSE, SELECTION, ask, selected } from "#surge/events.js";
import listen, { toggled } from "#surge/selection.js";

const NONE = { items: [], cluster: null };
const data = { items: [], cluster: null, clusters: [0, 0, 1], history: "h", answered: 0 };
globalThis.Element = class {};
globalThis.document = { querySelector: () => globalThis.over ?? null };

beforeEach(() => {
  delete globalThis.surgeSelection;
  delete globalThis.over;
});

// One page with its listener, and what Python was told.
function page(more = {}) {
  const root = { isConnected: true };
  const told = [];
  const given = { parentElement: root, setStateValue: (name, value) => told.push([name, value]) };
  const run = (changed) => listen({ ...given, data: { ...data, ...more, ...changed } });
  const leave = run({});
  const end = async () => {
    root.isConnected = false;
    leave();
    await new Promise((done) => setTimeout(done, 5));
  };
  return { root, told, run, end };
}

test("a click selects alone, again nothing, with Shift it adds and takes away", () => {
  const one = toggled(NONE, [2], false);
  assert.deepEqual(one, { items: [2], cluster: null });
  assert.deepEqual(toggled(one, [2], false), NONE);
  assert.deepEqual(toggled(one, [1], false), { items: [1], cluster: null });
  const two = toggled(one, [10], true);
  assert.deepEqual(toggled(two, [1], true), { items: [1, 2, 10], cluster: null }); // by number, not by text
  assert.deepEqual(toggled(two, [2], true), { items: [10], cluster: null });
  assert.deepEqual(toggled(two, [2], false), { items: [2], cluster: null });
});

test("a cluster and items: each alone without Shift, side by side with it", () => {
  const cluster = toggled(NONE, [-1, 3], false);
  assert.deepEqual(cluster, { items: [], cluster: 3 });
  assert.deepEqual(toggled(cluster, [-1, 3], false), NONE);
  assert.deepEqual(toggled(cluster, [4], false), { items: [4], cluster: null });
  const both = toggled(cluster, [4], true);
  assert.deepEqual(both, { items: [4], cluster: 3 });
  assert.deepEqual(toggled(both, [4], false), { items: [4], cluster: null }); // the cluster was selected too
  assert.deepEqual(toggled(both, [-1, 3], false), { items: [], cluster: 3 }); // so were items
  assert.deepEqual(toggled(both, [-1, 3], true), { items: [4], cluster: null });
  assert.deepEqual(toggled(both, [-1, 0], true), { items: [4], cluster: 0 });
});

test("toggling changes nothing that is still held", () => {
  const now = { items: [1], cluster: 0, clusters: [0, 0] };
  assert.deepEqual(toggled(now, [0], true), { items: [0, 1], cluster: 0, clusters: [0, 0] });
  assert.deepEqual(now, { items: [1], cluster: 0, clusters: [0, 0] });
});

test("every modifier adds", () => {
  const asked = heard(CHOOSE);
  for (const name of ["shiftKey", "ctrlKey", "metaKey"]) ask([1], { [name]: true }, "h");
  ask([-1, 2], {}, "h");
  ask([0], undefined, "g");
  assert.deepEqual(asked, [
    { numbers: [1], add: true, history: "h" },
    { numbers: [1], add: true, history: "h" },
    { numbers: [1], add: true, history: "h" },
    { numbers: [-1, 2], add: false, history: "h" },
    { numbers: [0], add: false, history: "g" },
  ]);
});

test("all views hear of a click at once, Python afterwards what is selected then", async () => {
  const heardOf = heard(SELECTION);
  const { told, end } = page();
  assert.deepEqual(heardOf.at(-1), { items: [], cluster: null, clusters: [0, 0, 1], source: "page_selection" });
  ask([2], {}, "h");
  ask([0], { shiftKey: true }, "h");
  assert.deepEqual(selected(), { items: [0, 2], cluster: null, clusters: [0, 0, 1] });
  assert.equal(heardOf.length, 3);
  const [name, value] = told.at(-1);
  assert.equal(name, "selected");
  assert.deepEqual([value.items, value.cluster, value.history], [[0, 2], null, "h"]);
  await end();
});

test("a view of another history selects nothing", async () => {
  const { told, end } = page();
  ask([2], {}, "gone");
  assert.deepEqual(selected().items, []);
  assert.equal(told.length, 0);
  await end();
});

test("an answer to an older click is left aside, one to this click is not", async () => {
  const { told, run, end } = page();
  ask([2], {}, "h");
  const number = told.at(-1)[1].number;
  run({ items: [], answered: number - 1 });
  assert.deepEqual(selected().items, [2]);
  run({ items: [1], answered: number });
  assert.deepEqual(selected().items, [1]);
  ask([2], {}, "h");
  run({ items: [0], answered: 0, history: "another" }); // its clicks were in another history
  assert.deepEqual(selected().items, [0]);
  await end();
});

test("Escape ends the selection, unless something else listens for it", async () => {
  const { told, run, end } = page({ items: [1], cluster: 0 });
  const press = (more = {}) => {
    const event = Object.assign(new Event("keydown", { cancelable: true }), { key: "Escape" }, more);
    event.composedPath = () => [more.in ?? {}];
    if (more.prevented) event.preventDefault();
    dispatchEvent(event);
  };
  press({ key: "Enter" });
  press({ prevented: true });
  const field = Object.assign(new Element(), { closest: (words) => words.startsWith("input") && field });
  press({ in: field });
  globalThis.over = {}; // a dialog
  press();
  delete globalThis.over;
  assert.deepEqual(selected().items, [1]);
  run({ items: [1], cluster: 0 });
  press();
  assert.deepEqual([selected().items, selected().cluster], [[], null]);
  assert.equal(told.length, 1);
  press(); // nothing is selected
  assert.equal(told.length, 1);
  await end();
});

test("a page that was left hears of nothing more, one that runs again goes on", async () => {
  const { root, told, run, end } = page();
  const first = root.surgeClicks;
  run({ items: [1] });
  assert.equal(root.surgeClicks, first);
  await end();
  assert.equal(root.surgeClicks, undefined);
  ask([1], {}, "h");
  assert.equal(told.length, 0);
});

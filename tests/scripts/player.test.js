import assert from "node:assert/strict";
import { test } from "node:test";
import { key } from "./page.js";
import { DRAWN } from "#surge/events.js";
import play, { stepOf } from "#app/drift_player/player.js";

const soon = (time = 5) => new Promise((done) => setTimeout(done, time));
const TOLD = 450; // milliseconds until Python has heard of a step

// A chart of six steps, as plotly and chart.js make one: its slider follows the frames that come.
function chart(active = 5) {
  const heard = {};
  const still = { mode: "immediate" };
  const steps = Array.from({ length: 6 }, (_, step) => ({ args: [[String(step)], still] }));
  const plot = {
    isConnected: true,
    surgeChart: { drawn: true },
    layout: { sliders: [{ active, steps }], updatemenus: [{ buttons: [{ args: [null] }, { args: [[null]] }] }] },
    parts: { ".slider-group": part("slider"), ".updatemenu-button": [part("Play"), part("Pause")] },
    querySelector: (words) => plot.parts[words],
    querySelectorAll: (words) => plot.parts[words],
    addEventListener: (name, act) => (plot.keyed = act),
    removeEventListener: () => (plot.keyed = null),
    on: (name, act) => (heard[name] = act),
    emit: (name) => heard[name]?.(),
    closest: (words) => (words === ".st-key-drift" ? plot : null),
    frame: null,
  };
  return plot;
}

function part(textContent) {
  const attributes = {};
  return {
    textContent,
    attributes,
    getAttribute: (name) => attributes[name] ?? null,
    setAttribute: (name, value) => (attributes[name] = value),
    querySelector: () => ({ textContent: "After some items" }),
  };
}

// A player of this chart at a step; what plotly was asked for, and what Python was told.
function player(plot, step) {
  const asked = [];
  const told = [];
  globalThis.document = { querySelector: () => plot };
  globalThis.Plotly = {
    animate: async (target, frames) => {
      asked.push(frames);
      plot.emit("plotly_animating");
      const same = frames?.[0] === plot.frame;
      plot.frame = frames?.[0] ?? plot.frame;
      if (!same && frames?.[0]) {
        plot.layout.sliders[0].active = Number(plot.frame);
        plot.emit("plotly_sliderchange");
      }
      plot.emit("plotly_animated");
    },
    relayout: async (target, changes) => {
      plot.layout.sliders[0].active = changes["sliders[0].active"];
    },
  };
  const root = { isConnected: true };
  const run = (data) => {
    const setTriggerValue = (name, value) => told.push([name, value]);
    return play({ parentElement: root, data: { chart: "drift", step, answered: 0, ...data }, setTriggerValue });
  };
  const leave = run({});
  const end = async () => {
    root.isConnected = false;
    leave();
    await soon();
  };
  return { root, asked, told, run, end };
}

function redraw(plot, active = 5) {
  plot.layout.sliders[0].active = active;
  dispatchEvent(Object.defineProperty(new Event(DRAWN), "target", { value: plot }));
}

const press = (plot, name, place, more = {}) => {
  const target = { closest: (words) => (words === place.words ? place.element : null) };
  const event = key(name, { target, timeStamp: performance.now(), ...more });
  plot.keyed(event);
  return event;
};
const SLIDER = { words: ".slider-group", element: {} };

test("every key asks for a step within the history, others for none", () => {
  const steps = { ArrowRight: 4, ArrowUp: 4, ArrowLeft: 2, ArrowDown: 2, PageUp: 8, PageDown: 0, Home: 0, End: 9 };
  for (const [name, step] of Object.entries(steps)) assert.equal(stepOf(name, 3, 10), step, name);
  assert.equal(stepOf("ArrowRight", 9, 10), 9);
  assert.equal(stepOf("PageUp", 7, 10), 9);
  assert.equal(stepOf("PageDown", 8, 10), 3);
  assert.equal(stepOf("ArrowLeft", 0, 10), 0);
  assert.equal(stepOf("Tab", 3, 10), undefined);
});

test("the step of the address is shown at once, the last one needs nothing", async () => {
  const first = player(chart(), 2);
  assert.deepEqual(first.asked, [["2"]]);
  await first.end();
  const last = player(chart(), 5);
  assert.deepEqual(last.asked, []);
  await last.end();
  const none = player(chart(), 17); // of another history
  assert.deepEqual(none.asked, []);
  await none.end();
});

test("quick keys go on from the step that they asked for, and Python hears of the last", async () => {
  const plot = chart();
  const { asked, told, end } = player(plot, 5);
  globalThis.Plotly.animate = async (target, frames) => void asked.push(frames); // nothing is drawn yet
  for (let each = 0; each < 3; each++) assert.equal(press(plot, "ArrowLeft", SLIDER).stopped, 1);
  assert.deepEqual(asked, [["4"], ["3"], ["2"]]);
  await soon();
  assert.equal(plot.layout.sliders[0].active, 2);
  plot.emit("plotly_animated");
  await soon(TOLD);
  assert.deepEqual(told.map(([name, value]) => [name, value.step]), [["rested", 2]]);
  await end();
});

test("the buttons play and pause by what they are said to do", async () => {
  const plot = chart();
  const { asked, end } = player(plot, 5);
  const [start, pause] = plot.parts[".updatemenu-button"];
  press(plot, "Enter", { words: ".updatemenu-button", element: start });
  press(plot, " ", { words: ".updatemenu-button", element: pause });
  assert.equal(press(plot, "a", { words: ".updatemenu-button", element: start }).stopped, 0);
  assert.equal(press(plot, "ArrowLeft", SLIDER, { ctrlKey: true }).stopped, 0);
  assert.deepEqual(asked, [null, [null]]);
  assert.equal(start.attributes["aria-label"], "Play");
  await end();
});

test("a chart that is drawn again comes back to its step, with its slider", async () => {
  const plot = chart();
  const { asked, told, end } = player(plot, 2);
  await soon();
  redraw(plot);
  await soon();
  assert.deepEqual(asked, [["2"], ["2"]]);
  assert.equal(plot.layout.sliders[0].active, 2); // though plotly's slider doesn't follow the same frame twice
  assert.equal(plot.parts[".slider-group"].attributes["aria-valuenow"], 3);
  await soon(TOLD);
  assert.deepEqual(told, []);
  await end();
});

test("what happens while a chart is drawn again is nobody's step", async () => {
  const plot = chart();
  const { told, end } = player(plot, 2);
  await soon(TOLD);
  plot.surgeChart.drawn = false;
  plot.layout.sliders[0].active = 5;
  plot.emit("plotly_sliderchange");
  await soon(TOLD);
  assert.deepEqual(told, []);
  plot.surgeChart.drawn = true;
  redraw(plot);
  await soon();
  assert.equal(plot.layout.sliders[0].active, 2);
  await end();
});

test("a chart that is drawn before Python's word of another step goes there afterwards, nobody stepped", async () => {
  const plot = chart();
  const { asked, told, run, end } = player(plot, 2);
  await soon(TOLD);
  redraw(plot);
  run({ step: 5 });
  await soon(2 * TOLD);
  assert.deepEqual([plot.layout.sliders[0].active, asked.at(-1)], [5, ["5"]]);
  assert.deepEqual(told, []);
  await end();
});

test("whoever comes back to the step that was led to has stepped there", async () => {
  const plot = chart();
  const { told, run, end } = player(plot, 2);
  await soon(TOLD);
  press(plot, "Home", SLIDER);
  await soon(TOLD);
  run({ step: 0, answered: told.at(-1)[1].number });
  press(plot, "ArrowRight", SLIDER);
  press(plot, "ArrowRight", SLIDER);
  await soon(TOLD);
  assert.deepEqual(told.map(([, value]) => value.step), [0, 2]);
  await end();
});

test("an answer to an older step doesn't take a later one back", async () => {
  const plot = chart();
  const { asked, told, run, end } = player(plot, 5);
  press(plot, "Home", SLIDER);
  await soon(TOLD);
  assert.equal(told.at(-1)[1].step, 0);
  run({ step: 5, answered: told.at(-1)[1].number - 1 });
  assert.deepEqual(asked, [["0"]]);
  run({ step: 3, answered: told.at(-1)[1].number });
  assert.deepEqual(asked, [["0"], ["3"]]);
  await end();
});

test("a drawer that is closed lets the chart go", async () => {
  const plot = chart();
  const { root, end } = player(plot, 5);
  await end();
  assert.equal(plot.keyed, null);
  assert.equal(root.surgePlayer, undefined);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { axesOf } from "#surge/plotly_parts.js";
import { numbersOf } from "#surge/chart.js";
import { merged } from "#surge/rectangles.js";
import { look } from "#surge/themes.js";

test("neighbours become one rectangle, first side by side, then one above the other", () => {
  assert.deepEqual(merged([]), []);
  assert.deepEqual(merged([[1, 2, 0, 1], [0, 1, 0, 1]]), [[0, 2, 0, 1]]);
  assert.deepEqual(merged([[0, 1, 1, 2], [0, 1, 0, 1]]), [[0, 1, 0, 2]]);
  assert.deepEqual(merged([[0, 1, 0, 1], [1, 2, 0, 1], [0, 1, 1, 2], [1, 2, 1, 2]]), [[0, 2, 0, 2]]);
});

test("what only touches at a corner, leaves a gap or is of another height stays apart", () => {
  const corner = [[0, 1, 0, 1], [1, 2, 1, 2]];
  assert.deepEqual(merged(corner), corner);
  const gap = [[0, 1, 0, 1], [1.5, 2, 0, 1]];
  assert.deepEqual(merged(gap), gap);
  const heights = [[0, 1, 0, 1], [1, 2, 0, 2]];
  assert.deepEqual(merged(heights), heights);
});

test("the same rectangle twice is one, and what was given is left as it is", () => {
  const given = [[0, 1, 0, 1], [0, 1, 0, 1], [1, 2, 0, 1]];
  assert.deepEqual(merged(given), [[0, 2, 0, 1]]);
  assert.deepEqual(given, [[0, 1, 0, 1], [0, 1, 0, 1], [1, 2, 0, 1]]);
  assert.deepEqual(merged([[9, 10, 0, 1], [10, 11, 0, 1]]), [[9, 11, 0, 1]]); // by number, not by text
});

test("the numbers of a point say what a click selects", () => {
  const plot = { layout: { meta: { rows: [4, 2, 0] } } };
  assert.deepEqual(numbersOf(plot, { customdata: [3, "a title", 7] }), [3, 7]);
  assert.deepEqual(numbersOf(plot, { customdata: { 0: -1, 1: 2 } }), [-1, 2]); // as plotly gives typed arrays
  assert.deepEqual(numbersOf(plot, {}), []);
  assert.deepEqual(numbersOf(plot, undefined), []);
  assert.deepEqual(numbersOf(plot, { fullData: { type: "heatmap" }, x: 2, y: 1 }), [2, 0]);
  assert.deepEqual(numbersOf({ layout: { meta: {} } }, { fullData: { type: "heatmap" }, x: 2, y: 1 }), []);
});

test("values become pixels of the chart", () => {
  const axis = (_offset, _length, scale) => ({ _offset, _length, l2p: (value) => value * scale });
  const axes = axesOf({ _fullLayout: { xaxis: axis(30, 100, 10), yaxis: axis(5, 50, -2), width: 200, height: 90 } });
  assert.deepEqual([axes.width, axes.height, axes.across(2), axes.down(3)], [200, 90, 50, -1]);
  const places = [[10, 0], [10.1, 0], [-0.1, 0], [0, 1]];
  assert.deepEqual(places.map((at) => axes.within(...at)), [true, false, false, false]);
  for (const plot of [null, undefined, {}, { _fullLayout: {} }, { _fullLayout: { xaxis: {}, yaxis: {} } }]) {
    assert.equal(axesOf(plot), null);
  }
});

test("the dark look is the light one with its changes, which is left whole", () => {
  const picture = { light: { a: { b: [1, { c: 2 }] }, d: 3 }, dark: [[["a", "b", 1, "c"], 9], [["d"], null]] };
  assert.deepEqual(look(picture, "dark"), { a: { b: [1, { c: 9 }] }, d: null });
  assert.deepEqual(look(picture, "light"), { a: { b: [1, { c: 2 }] }, d: 3 });
  look(picture, "light").d = 0;
  assert.equal(picture.light.d, 3);
});

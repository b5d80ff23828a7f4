import assert from "node:assert/strict";
import { test } from "node:test";
import { whenGone, whenLoaded } from "#surge/component.js";

const soon = () => new Promise((done) => setTimeout(done, 60));

test("what needs a library waits for it, and not for ever", async () => {
  const done = [];
  const here = {};
  const gone = {};
  whenLoaded(here, "surgeTestLibrary", () => done.push("here"));
  whenLoaded(gone, "surgeTestLibrary", () => done.push("gone"));
  gone.gone = true;
  assert.deepEqual(done, []);
  await soon();
  globalThis.surgeTestLibrary = {};
  await soon();
  assert.deepEqual(done, ["here"]);
  whenLoaded(here, "surgeTestLibrary", () => done.push("at once"));
  assert.deepEqual(done, ["here", "at once"]);
});

test("a view ends only where its element has left the page and no further run has come", async () => {
  const ended = [];
  const view = {};
  const element = { isConnected: true };
  const first = whenGone(view, element, () => ended.push("first"));
  first();
  assert.equal(view.gone, true);
  await soon();
  assert.deepEqual(ended, []); // still on the page
  const second = whenGone(view, element, () => ended.push("second"));
  assert.equal(view.gone, false);
  element.isConnected = false;
  second();
  whenGone(view, element, () => ended.push("third")); // the next run, before the end
  await soon();
  assert.deepEqual(ended, []);
  second();
  await soon();
  assert.deepEqual(ended, ["second"]);
});

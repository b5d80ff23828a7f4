import assert from "node:assert/strict";
import { test } from "node:test";
import "./page.js";
import { keepOneEntry } from "#app/copy_link/link.js";

test("one press is one entry of the browser's history, however often the page writes its address", () => {
  const entries = [];
  globalThis.history = {
    pushState: (...entry) => entries.push(entry),
    replaceState: (...entry) => (entries[entries.length - 1] = entry),
  };
  entries.push([{}, "", "?start"]);
  keepOneEntry();
  const add = history.pushState;
  keepOneEntry(); // every run of the script
  assert.equal(history.pushState, add);
  history.pushState({}, "", "?filled in by the page");
  assert.deepEqual(entries.map((entry) => entry[2]), ["?filled in by the page"]);
  dispatchEvent(new Event("pointerdown"));
  history.pushState({}, "", "?chosen");
  history.pushState({}, "", "?chosen&filled in");
  assert.deepEqual(entries.map((entry) => entry[2]), ["?filled in by the page", "?chosen&filled in"]);
  dispatchEvent(new Event("keydown"));
  dispatchEvent(new Event("popstate")); // the back button is no choice
  history.pushState({}, "", "?back");
  assert.deepEqual(entries.map((entry) => entry[2]), ["?filled in by the page", "?back"]);
});

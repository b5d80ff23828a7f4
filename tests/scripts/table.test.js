import assert from "node:assert/strict";
import { test } from "node:test";
import { nextSort, sorted } from "#app/linked_table/table.js";

test("rows are sorted by value, what is empty comes last either way", () => {
  assert.deepEqual(sorted([3, null, 1, 2], true), [2, 3, 0, 1]);
  assert.deepEqual(sorted([3, null, 1, 2], false), [0, 3, 2, 1]);
  assert.deepEqual(sorted([10, 9, 100], true), [1, 0, 2]);
  assert.deepEqual(sorted([-0.5, 0, -2], true), [2, 0, 1]);
  assert.deepEqual(sorted(["item 10", "item 9", null, "Item 1"], true), [3, 1, 0, 2]);
  assert.deepEqual(sorted([], true), []);
});

test("equal values stay in the order in which they stand", () => {
  assert.deepEqual(sorted([1, 2, 1, 2], true), [0, 2, 1, 3]);
  assert.deepEqual(sorted([1, 2, 1, 2], false), [1, 3, 0, 2]);
  assert.deepEqual(sorted([null, null], false), [0, 1]);
});

test("a head is clicked: most first, the other way round, as it was", () => {
  assert.deepEqual(nextSort(null, 2, "number"), { column: 2, rising: false });
  assert.deepEqual(nextSort({ column: 2, rising: false }, 2, "number"), { column: 2, rising: true });
  assert.equal(nextSort({ column: 2, rising: true }, 2, "number"), null);
  assert.deepEqual(nextSort(null, 1, "text"), { column: 1, rising: true });
  assert.deepEqual(nextSort({ column: 1, rising: true }, 1, "text"), { column: 1, rising: false });
  assert.equal(nextSort({ column: 1, rising: false }, 1, ""), null);
  assert.deepEqual(nextSort({ column: 2, rising: true }, 1, "text"), { column: 1, rising: true });
});

// Rectangles [x0, x1, y0, y1] that lie side by side, or one above the other, become one.
export function merged(rectangles) {
  const side = join(new Map(rectangles.map((r) => [String(r), r])).values(), 0, 1, 2, 3);
  return join(side, 2, 3, 0, 1);
}

function join(rectangles, from, to, low, high) {
  const sorted = [...rectangles].sort((a, b) => a[low] - b[low] || a[high] - b[high] || a[from] - b[from]);
  const joined = [];
  for (const rectangle of sorted) {
    const last = joined.at(-1);
    if (last && last[low] === rectangle[low] && last[high] === rectangle[high] && last[to] === rectangle[from]) {
      last[to] = rectangle[to];
    } else {
      joined.push([...rectangle]);
    }
  }
  return joined;
}

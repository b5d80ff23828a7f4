// Where the names of nodes stand on the picture of the graph: each where it covers least.
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
export function place({ x, y, r }, width, height, { taken, lines, discs, shown }) {
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
        const wide = (width + other.w) / 2 - Math.abs(box.x - other.x);
        const high = (height + other.h) / 2 - Math.abs(box.y - other.y);
        if (wide > 0 && high > 0) cost += 3 * wide * high;
        if (box.line) cost += crossed(box.line, other) * height * height;
      }
      for (const line of lines) cost += crossed(line, box) * height * height;
      for (const disc of discs) {
        const aside = Math.max(Math.abs(box.x - disc.x) - width / 2, 0);
        const below = Math.max(Math.abs(box.y - disc.y) - height / 2, 0);
        const depth = disc.r - Math.hypot(aside, below);
        if (depth > 0) cost += 2 * (depth + 2) * height;
      }
      if (!best || cost < best.cost) best = { ...box, cost };
      if (cost === 0) return best;
    }
  }
  return best;
}

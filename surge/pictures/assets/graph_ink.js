// What is drawn over the nodes of the graph: letters, signs, names, and the ring of the keyboard.
import { place } from "#surge/graph_names.js";

const NAME = 12.5; // pixels, the height of a name on the screen
const MOST_NAMES = 40; // more would hide the graph; hovering gives them all

// Cluster letters inside the nodes and signs at their rims, then names beside them, in the selection's order, at one
// size on the screen. `ratio`: pixels of this drawing for one of the screen.
export function write(view, { network, context, width, height, ratio }) {
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

export function ring(view, context) {
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

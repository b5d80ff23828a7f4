// The graph as a picture in a file.
import { download } from "#surge/component.js";
import { write } from "#surge/graph_ink.js";

const FINE = 2; // pixels of a saved picture for each pixel of the screen

// What is in sight, drawn once more at twice the size on the page's own background, as a file.
export async function savePicture(view) {
  if (!view.network) return;
  const { clientWidth, clientHeight } = view.frame;
  const screen = view.canvas.querySelector("canvas");
  const ratio = (FINE * screen.clientWidth) / screen.width; // a canvas has several pixels for one on fine screens
  const [width, height] = [clientWidth * ratio, clientHeight * ratio];
  const holder = document.createElement("div");
  holder.className = "picture";
  holder.style.cssText = `width: ${width}px; height: ${height}px`;
  view.frame.append(holder);
  const positions = view.network.getPositions();
  const nodes = view.nodes.get().map((node) => ({ ...node, ...positions[node.id] }));
  const picture = new vis.Network(holder, { nodes, edges: view.edges.get() }, structuredClone(view.data.graph.options));
  picture.on("afterDrawing", (context) => write(view, { network: picture, context, width, height, ratio }));
  const scale = view.network.getScale() * ratio;
  picture.moveTo({ position: view.network.getViewPosition(), scale, animation: false });
  picture.redraw();
  await frames(2); // the library draws before the next frame
  const drawn = holder.querySelector("canvas");
  const output = document.createElement("canvas");
  [output.width, output.height] = [drawn.width, drawn.height];
  const context = output.getContext("2d");
  context.fillStyle = view.ground;
  context.fillRect(0, 0, output.width, output.height);
  context.drawImage(drawn, 0, 0);
  picture.destroy();
  holder.remove();
  const blob = await new Promise((done) => output.toBlob(done, "image/png"));
  const address = URL.createObjectURL(blob);
  download(address, "interest-graph.png");
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

async function frames(number) {
  for (let i = 0; i < number; i++) await new Promise(requestAnimationFrame);
}

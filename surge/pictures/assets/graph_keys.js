// The graph by keyboard, and the box with the words of a node or an edge.

// `choose` selects a node.
export function press(view, event, choose) {
  const last = (view.items ?? 0) - 1;
  if (last < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  const now = view.focused;
  const steps = {
    ArrowRight: now === null ? 0 : Math.min(now + 1, last),
    ArrowLeft: now === null ? last : Math.max(now - 1, 0),
    Home: 0,
    End: last,
  };
  if (event.key in steps) focus(view, steps[event.key]);
  else if ((event.key === "Enter" || event.key === " ") && now !== null) choose(now);
  else if (event.key === "Escape" && now !== null) focus(view, null);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// The item that the keyboard is at: ringed, told, and brought into sight.
export function focus(view, node) {
  if (view.focused === node) return;
  view.focused = node;
  if (node === null) {
    hideTip(view);
    view.said.textContent = "";
  } else {
    const { tip } = view.byId.get(node);
    const position = view.network.getPositions([node])[node];
    const { x, y } = view.network.canvasToDOM(position);
    if (x < 12 || y < 12 || x > view.frame.clientWidth - 12 || y > view.frame.clientHeight - 12) {
      view.touched = true;
      view.network.moveTo({ position, animation: false });
    }
    showTip(view, tip, view.network.canvasToDOM(position));
    view.said.textContent = tip.split("\n").join(". ");
  }
  view.network?.redraw();
}

export function showTip(view, text, { x, y }) {
  const [first, ...rest] = String(text).split("\n");
  const title = document.createElement("strong");
  title.textContent = first;
  const lines = rest.map((line) => {
    const row = document.createElement("span");
    row.textContent = line;
    return row;
  });
  view.tip.replaceChildren(title, ...lines);
  view.tip.hidden = false;
  const { clientWidth, clientHeight } = view.frame;
  const left = x + 16 + view.tip.offsetWidth > clientWidth ? x - 16 - view.tip.offsetWidth : x + 16;
  const top = Math.min(y + 12, clientHeight - view.tip.offsetHeight - 4);
  view.tip.style.left = `${Math.max(4, left)}px`;
  view.tip.style.top = `${Math.max(4, top)}px`;
}

export function hideTip(view) {
  view.tip.hidden = true;
}

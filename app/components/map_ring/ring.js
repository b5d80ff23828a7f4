// A ring over a chart that Streamlit draws, and draws anew when it likes: each frame looks where the axes put it now.
const SVG = "http://www.w3.org/2000/svg";

export default function ({ data }) {
  const ring = document.createElementNS(SVG, "svg");
  const circle = document.createElementNS(SVG, "circle");
  ring.setAttribute("class", "surge-ring");
  ring.setAttribute("aria-hidden", "true");
  ring.style.cssText = "position: absolute; left: 0; top: 0; pointer-events: none";
  circle.setAttribute("r", data.size / 2);
  circle.setAttribute("fill", "none");
  circle.setAttribute("stroke", data.colour);
  circle.setAttribute("stroke-width", 2);
  ring.append(circle);
  let running = Boolean(data.place);
  const follow = () => {
    if (!running) return;
    const plot = document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
    const { xaxis, yaxis, width, height } = plot?._fullLayout ?? {};
    if (xaxis?.l2p && yaxis?.l2p) {
      if (ring.parentNode !== plot) plot.append(ring);
      const [across, down] = [xaxis.l2p(data.place[0]), yaxis.l2p(data.place[1])];
      const inside = across >= 0 && across <= xaxis._length && down >= 0 && down <= yaxis._length;
      const now = { cx: xaxis._offset + across, cy: yaxis._offset + down, visibility: inside ? "visible" : "hidden" };
      for (const [name, value] of Object.entries(now)) circle.setAttribute(name, value);
      ring.setAttribute("width", width);
      ring.setAttribute("height", height);
    }
    requestAnimationFrame(follow);
  };
  follow();
  return () => {
    running = false;
    ring.remove();
  };
}

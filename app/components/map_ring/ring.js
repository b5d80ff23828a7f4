// A ring over a chart that Streamlit draws, and draws anew when it likes: each frame looks where the axes put it now.
import { axesOf } from "#surge/plotly_parts.js";

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
    const axes = axesOf(plot);
    if (axes) {
      if (ring.parentNode !== plot) plot.append(ring);
      const [x, y] = data.place;
      const now = { cx: axes.across(x), cy: axes.down(y), visibility: axes.within(x, y) ? "visible" : "hidden" };
      for (const [name, value] of Object.entries(now)) circle.setAttribute(name, value);
      ring.setAttribute("width", axes.width);
      ring.setAttribute("height", axes.height);
    }
    requestAnimationFrame(follow);
  };
  follow();
  return () => {
    running = false;
    ring.remove();
  };
}

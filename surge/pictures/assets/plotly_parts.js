// The parts of plotly's own that we read, all of them here. Public ways are missing (plotly.js 4.1.1, of plotly 7.1.0):
// - where an axis stands: its margins and domains follow the words around it, so that only plotly knows the pixels by
//   which a selection is framed;
// - which of its elements hold the marks and which the words, between which the frames lie;
// - which are its slider and buttons: it draws them for the mouse alone, without a role, a name or a key.
// tests/pictures/test_scripts.py fails where a version of plotly lacks one of them; without its axes no selection is
// framed, and without its elements the drift has no keyboard.

export const MARKS = ".main-svg"; // the first is the marks, the next the words
export const SLIDER = ".slider-group";
export const SLIDER_WORDS = ".slider-label"; // above the rail, such as "After 12 items: 2024-03-09, Tent"
export const BUTTON = ".updatemenu-button";

// The chart's size in pixels, and `across` and `down` from values to pixels of the chart; null before it is drawn.
export function axesOf(plot) {
  const { xaxis, yaxis, width, height } = plot?._fullLayout ?? {};
  if (!xaxis?.l2p || !yaxis?.l2p) return null;
  return {
    width,
    height,
    across: (x) => xaxis._offset + xaxis.l2p(x),
    down: (y) => yaxis._offset + yaxis.l2p(y),
    within: (x, y) => between(xaxis.l2p(x), xaxis._length) && between(yaxis.l2p(y), yaxis._length),
  };
}

function between(pixel, length) {
  return pixel >= 0 && pixel <= length;
}

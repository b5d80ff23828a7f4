// Where plotly has put the axes of a chart: the one thing that it draws by and doesn't tell.

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

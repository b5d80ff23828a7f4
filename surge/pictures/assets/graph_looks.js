// How nodes and edges of the graph look while something is selected. Nothing moves, and sizes grow a little only.

// What vis-network's nodes and edges become, and which nodes are named, in this order. `chosen`: the selected items'
// ids, `cluster`: the selected cluster or null; `ground`: the colour behind the graph.
export function looks({ nodes, edges, chosen, cluster, colours, ground }) {
  const inCluster = new Set(nodes.filter((node) => !node.ghost && node.cluster === cluster).map((node) => node.id));
  const near = new Set();
  for (const edge of edges) {
    if (chosen.has(edge.from)) near.add(edge.to);
    if (chosen.has(edge.to)) near.add(edge.from);
  }
  const active = chosen.size > 0 || inCluster.size > 0;
  const isChosen = ({ id }) => chosen.has(id);
  const important = nodes.filter((node) => node.named && (!active || inCluster.has(node.id)));
  important.sort((a, b) => b.weight - a.weight);
  return {
    named: [...nodes.filter(isChosen), ...important.filter((node) => !isChosen(node))],
    nodes: nodes.map((node) => {
      const strong = chosen.has(node.id);
      const ringed = strong || inCluster.has(node.id);
      const rim = node.ghost ? node.color.border : ground;
      return {
        id: node.id,
        opacity: !active || ringed ? 1 : near.has(node.id) ? 0.9 : 0.28,
        size: strong ? node.size * 1.15 : node.size,
        borderWidth: strong ? node.size * 0.28 : ringed ? node.size * 0.16 : 1.5,
        color: { background: node.ghost ? ground : node.color.background, border: ringed ? colours.text : rim },
      };
    }),
    edges: edges.map((edge) => {
      const touches = chosen.has(edge.from) || chosen.has(edge.to);
      const within = inCluster.has(edge.from) && inCluster.has(edge.to);
      const color = touches ? colours.text : edge.color.color;
      const opacity = edge.color.opacity * (!active || within ? 1 : 0.3);
      return {
        id: edge.id,
        color: { color, hover: colours.text, opacity: touches ? 0.85 : opacity },
        width: edge.width + (touches ? 0.8 : 0),
      };
    }),
  };
}

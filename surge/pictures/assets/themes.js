// A picture in the light theme whole, and what the dark one has otherwise: [path, value] pairs.
export function look({ light, dark }, name) {
  const copy = structuredClone(light);
  if (name === "light") return copy;
  for (const [path, value] of dark) {
    const last = path.at(-1);
    path.slice(0, -1).reduce((part, step) => part[step], copy)[last] = value;
  }
  return copy;
}

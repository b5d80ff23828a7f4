// Frames the panel that the tour speaks of and brings it into sight.
export default function ({ data }) {
  const mark = () => {
    for (const old of document.querySelectorAll(".surge-spotlight")) old.classList.remove("surge-spotlight");
    const panel = data.panel ? document.querySelector(`.st-key-${data.panel}`) : null;
    panel?.classList.add("surge-spotlight");
    return panel;
  };
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  mark()?.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  return () => {
    for (const old of document.querySelectorAll(".surge-spotlight")) old.classList.remove("surge-spotlight");
  };
}

// Reports clicks on the points of every plotly chart of the page that has a key: its customdata, and Shift.
export default function ({ setTriggerValue }) {
  const report = (chart, event) => {
    const data = event.points?.[0]?.customdata;
    if (data === undefined || data === null) return;
    const source = event.event ?? {};
    const add = Boolean(source.shiftKey || source.ctrlKey || source.metaKey);
    setTriggerValue("clicked", { chart, data: Object.values(data).filter((value) => typeof value !== "string"), add });
  };
  const attach = () => {
    for (const plot of document.querySelectorAll(".stPlotlyChart .js-plotly-plot")) {
      if (!plot.on) continue; // not drawn yet
      const named = plot.closest("[class*='st-key-']");
      const key = [...(named?.classList ?? [])].find((name) => name.startsWith("st-key-"))?.slice("st-key-".length);
      if (!key) continue;
      plot.surgeReport = (event) => report(key, event);
      if (plot.surgeListens) continue;
      plot.surgeListens = true;
      plot.on("plotly_click", (event) => plot.surgeReport(event));
    }
  };
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      attach();
    });
  };
  const observer = new MutationObserver(soon);
  observer.observe(document.body, { childList: true, subtree: true });
  attach();
  return () => observer.disconnect();
}

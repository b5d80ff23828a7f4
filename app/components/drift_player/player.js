// The keyboard of the drift's slider and buttons, which plotly leaves to the mouse, and the step where they rest:
// Python hears of it for the page's address. Every step is drawn by the browser alone.
const REST = 400; // milliseconds without a step until Python hears of the last one
const LEAP = 5; // steps of Page Up and Page Down
const SOON = 300; // milliseconds after a key for which the next one goes on from the step that it asked for

export default function ({ parentElement, data, setTriggerValue }) {
  const player = (parentElement.surgePlayer ??= start());
  player.report = setTriggerValue;
  player.gone = false;
  player.chart = data.chart;
  if (data.answered >= player.sent) player.told = data.step; // an answer to an older report is left aside
  attach(player);
  return () => {
    player.gone = true;
    // the next run of the script takes the player over; it is let go when the drawer is closed
    setTimeout(() => {
      if (player.gone && !parentElement.isConnected) stop(parentElement, player);
    }, 0);
  };
}

function start() {
  // told: the step that Python knows of; asked: the one of the last key, pressed when
  const player = { plot: null, emitter: null, told: null, sent: 0, moving: false, asked: 0, pressed: -SOON };
  let waiting = false;
  player.observer = new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      attach(player);
    });
  });
  player.observer.observe(document.body, { childList: true, subtree: true });
  player.press = (event) => press(player, event);
  return player;
}

function stop(root, player) {
  clearTimeout(player.resting);
  player.observer.disconnect();
  player.plot?.removeEventListener("keydown", player.press);
  player.plot = player.emitter = null;
  delete root.surgePlayer;
}

// Finds the chart, which may have been made anew, and brings it to the step that the address names.
function attach(player) {
  const plot = document.querySelector(`.st-key-${player.chart} .js-plotly-plot`);
  if (!plot?._ev || !plot.querySelector(".slider-tick-rect")) return;
  if (plot !== player.plot) {
    player.plot?.removeEventListener("keydown", player.press);
    plot.addEventListener("keydown", player.press);
    player.plot = plot;
  }
  if (plot._ev !== player.emitter) {
    player.emitter = plot._ev; // plotly drops its listeners with _ev
    player.moving = false;
    player.resting = clearTimeout(player.resting);
    listen(player, "plotly_animating", () => (player.moving = true));
    listen(player, "plotly_animated", () => ((player.moving = false), rest(player)));
    listen(player, "plotly_sliderchange", () => (describe(player), rest(player)));
    // a figure is whole, maybe another one
    listen(player, "plotly_react", () => (repair(player), describe(player), settle(player)));
  }
  settle(player);
}

function listen(player, event, heard) {
  const { plot, emitter } = player;
  plot.on(event, () => player.emitter === emitter && heard());
}

// The step that the address names is shown, unless somebody plays or steps: then Python hears of that soon.
function settle(player) {
  name(player);
  if (player.moving || player.resting || player.told === null || !player.plot?.isConnected) return;
  if (frame(player.plot, player.told) && player.told !== active(player.plot)) go(player, player.told);
}

// A figure that is drawn again, in other colours or at another width, has its traces at the last step and its slider
// where it was. Plotly does nothing for a press on the slider's own step, so another one comes first, never drawn.
function repair(player) {
  const step = active(player.plot);
  const { data, traces } = frame(player.plot, step) ?? {};
  if (!data || player.plot.data[traces.at(-1)]?.x?.[0] === data.at(-1).x[0]) return; // the mark of the step is there
  go(player, step === 0 ? 1 : step - 1);
  go(player, step);
}

// What a step draws; the frames come last of all that a figure is made of, and without them the slider moves alone.
function frame(plot, step) {
  return plot._transitionData?._frames?.[step];
}

// -- what assistive technology is told ------------------------------------------------------------------

function name(player) {
  const slider = player.plot.querySelector(".slider-group");
  if (slider && slider.getAttribute("role") !== "slider") {
    const words = { role: "slider", "aria-label": "Step of the history", "aria-orientation": "horizontal" };
    set(slider, { ...words, tabindex: 0, "aria-valuemin": 1 });
    describe(player);
  }
  for (const button of player.plot.querySelectorAll(".updatemenu-button")) {
    if (button.getAttribute("role") === "button") continue;
    set(button, { role: "button", tabindex: 0, "aria-label": button.textContent.trim() });
  }
}

function describe(player) {
  const slider = player.plot.querySelector(".slider-group");
  if (!slider) return;
  // plotly's own words above the rail, such as "After 12 items: 2024-03-09, Tent"
  const words = slider.querySelector(":scope > .slider-label")?.textContent ?? "";
  const now = { "aria-valuenow": active(player.plot) + 1, "aria-valuemax": count(player.plot) };
  set(slider, { ...now, "aria-valuetext": words });
}

function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
}

// -- steps ----------------------------------------------------------------------------------------------

function active(plot) {
  return plot.layout?.sliders?.[0]?.active ?? 0; // the full layout's comes a moment later
}

function count(plot) {
  return plot.querySelectorAll(".slider-tick-rect").length;
}

function press(player, event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest(".updatemenu-button")) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    const button = event.target.closest(".updatemenu-button");
    button.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, view: window }));
    return;
  }
  if (!event.target.closest(".slider-group")) return;
  const last = count(player.plot) - 1;
  // keys that follow one another quickly would else start from a step that plotly has yet to draw
  const fresh = event.timeStamp - player.pressed < SOON;
  const now = fresh ? player.asked : active(player.plot);
  const step = {
    ArrowRight: now + 1,
    ArrowUp: now + 1,
    ArrowLeft: now - 1,
    ArrowDown: now - 1,
    PageUp: now + LEAP,
    PageDown: now - LEAP,
    Home: 0,
    End: last,
  }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  player.asked = Math.min(Math.max(step, 0), last);
  player.pressed = event.timeStamp;
  go(player, player.asked);
}

// Plotly gives no other way than the mouse: a press on the rail where the step has its tick.
function go(player, step) {
  const rail = player.plot.querySelector(".slider-rail-touch-rect");
  const tick = player.plot.querySelectorAll(".slider-tick-rect")[step];
  if (!rail || !tick) return;
  const { left, top, width, height } = tick.getBoundingClientRect();
  const where = { clientX: left + width / 2, clientY: top + height / 2, bubbles: true, cancelable: true, view: window };
  rail.dispatchEvent(new MouseEvent("mousedown", where));
  rail.dispatchEvent(new MouseEvent("mouseup", where));
}

// Tells Python of the step once nothing moves any more.
function rest(player) {
  clearTimeout(player.resting);
  player.resting = setTimeout(() => {
    player.resting = null;
    if (player.moving || !player.plot?.isConnected) return; // the end of the play comes here again
    describe(player);
    const step = active(player.plot);
    if (step === player.told) return; // where Python has sent it
    player.told = step;
    player.sent = Date.now();
    player.report("rested", { step, number: player.sent });
  }, REST);
}

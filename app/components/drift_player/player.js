// The keyboard of the drift's slider and buttons, which plotly leaves to the mouse, and the step where they rest:
// Python hears of it for the page's address. Every step is drawn by the browser alone.
import { whenGone } from "#surge/component.js";
import { DRAWN } from "#surge/events.js";

const REST = 400; // milliseconds without a step until Python hears of the last one
const LEAP = 5; // steps of Page Up and Page Down
const SOON = 300; // milliseconds after a key for which the next one goes on from the step that it asked for

export default function ({ parentElement, data, setTriggerValue }) {
  const player = (parentElement.surgePlayer ??= start());
  player.report = setTriggerValue;
  player.chart = data.chart;
  if (data.answered >= player.sent) player.told = data.step; // an answer to an older report is left aside
  const plot = document.querySelector(`.st-key-${data.chart} .surge-chart`);
  if (plot !== player.plot) attach(player, plot);
  settle(player);
  return whenGone(player, parentElement, () => stop(parentElement, player)); // where the drawer is closed
}

function start() {
  // steps: told, that Python knows of; led to, by nobody's key or mouse; shown now; going, on its way; asked for by the
  // last key, which was pressed when
  const player = { plot: null, told: null, led: null, shown: 0, going: 0, asked: 0, pressed: -SOON, sent: 0 };
  player.drawn = ({ target }) => {
    if (!target.closest(`.st-key-${player.chart}`)) return;
    attach(player, target);
    repair(player);
  };
  player.press = (event) => press(player, event);
  addEventListener(DRAWN, player.drawn);
  return player;
}

function stop(root, player) {
  clearTimeout(player.resting);
  removeEventListener(DRAWN, player.drawn);
  player.plot?.removeEventListener("keydown", player.press);
  player.plot = null;
  delete root.surgePlayer;
}

// Takes a chart over, once it is drawn.
function attach(player, plot) {
  if (plot === player.plot || !plot?.surgeChart?.drawn) return;
  player.plot?.removeEventListener("keydown", player.press);
  player.plot = plot;
  player.moving = false;
  player.resting = clearTimeout(player.resting);
  plot.addEventListener("keydown", player.press);
  const listen = (event, heard) => plot.on(event, () => player.plot === plot && plot.surgeChart.drawn && heard());
  listen("plotly_animating", () => (player.moving = true));
  listen("plotly_animated", () => ((player.moving = false), rest(player)));
  listen("plotly_sliderchange", () => {
    player.shown = active(plot);
    if (player.shown !== player.led) player.led = null;
    describe(player);
    rest(player);
  });
  listen("plotly_afterplot", () => name(player));
}

// The step that the address names is shown, unless somebody plays or steps: then Python hears of that soon.
function settle(player) {
  if (!player.plot?.isConnected || !player.plot.surgeChart.drawn) return;
  name(player);
  if (player.moving || player.resting || player.told === null) return;
  if (steps(player.plot)[player.told] && player.told !== active(player.plot)) lead(player, player.told);
}

// A figure that is drawn again, in other colours or at another width, has its traces at the last step, whatever its
// slider says.
function repair(player) {
  const last = steps(player.plot).length - 1;
  const step = player.resting ? player.shown : (player.told ?? last);
  name(player);
  if (!player.moving && step <= last && (step < last || active(player.plot) !== last)) lead(player, step);
}

// -- what assistive technology is told ------------------------------------------------------------------

function name(player) {
  const slider = player.plot.querySelector(".slider-group");
  if (slider && slider.getAttribute("role") !== "slider") {
    const words = { role: "slider", "aria-label": "Step of the history", "aria-orientation": "horizontal" };
    set(slider, { ...words, tabindex: 0, "aria-valuemin": 1 });
    describe(player);
  }
  for (const button of buttons(player.plot)) {
    if (button.getAttribute("role") === "button") continue;
    set(button, { role: "button", tabindex: 0, "aria-label": button.textContent.trim() });
  }
}

function describe({ plot }) {
  const slider = plot.querySelector(".slider-group");
  if (!slider) return;
  // plotly's own words above the rail, such as "After 12 items: 2024-03-09, Tent"
  const words = slider.querySelector(":scope > .slider-label")?.textContent ?? "";
  set(slider, { "aria-valuenow": active(plot) + 1, "aria-valuemax": steps(plot).length, "aria-valuetext": words });
}

function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
}

// -- steps ----------------------------------------------------------------------------------------------

function active(plot) {
  return plot.layout.sliders?.[0]?.active ?? 0;
}

function steps(plot) {
  return plot.layout.sliders?.[0]?.steps ?? [];
}

function buttons(plot) {
  return [...plot.querySelectorAll(".updatemenu-button")];
}

// The step that a key asks for, of so many; undefined where it asks for none.
export function stepOf(key, now, count) {
  const step = {
    ArrowRight: now + 1,
    ArrowUp: now + 1,
    ArrowLeft: now - 1,
    ArrowDown: now - 1,
    PageUp: now + LEAP,
    PageDown: now - LEAP,
    Home: 0,
    End: count - 1,
  }[key];
  return step === undefined ? undefined : Math.min(Math.max(step, 0), count - 1);
}

function press(player, event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const { plot } = player;
  const button = event.target.closest(".updatemenu-button");
  if (button) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    animate(plot, plot.layout.updatemenus[0].buttons[buttons(plot).indexOf(button)]);
    return;
  }
  if (!event.target.closest(".slider-group")) return;
  // keys that follow one another quickly would else start from a step that plotly has yet to draw
  const fresh = event.timeStamp - player.pressed < SOON;
  const step = stepOf(event.key, fresh ? player.asked : active(plot), steps(plot).length);
  if (step === undefined) return;
  event.preventDefault();
  player.led = null;
  player.asked = step;
  player.pressed = event.timeStamp;
  go(player, step);
}

function lead(player, step) {
  player.led = step;
  go(player, step);
}

// Plotly moves its slider with the frames, but not to the one that it moved to last, wherever it stands by now.
async function go(player, step) {
  const { plot } = player;
  player.going = step;
  await animate(plot, steps(plot)[step]);
  if (player.going !== step || active(plot) === step) return;
  await globalThis.Plotly.relayout(plot, { "sliders[0].active": step });
  player.shown = step;
  describe(player);
}

// What a step of the slider, or a button, says that it does; another one that comes meanwhile ends it.
function animate(plot, { args }) {
  return globalThis.Plotly.animate(plot, ...args).catch(() => {});
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
    if (step === player.led) return settle(player); // and has sent it on meanwhile
    player.told = step;
    player.sent = Date.now();
    player.report("rested", { step, number: player.sent });
  }, REST);
}

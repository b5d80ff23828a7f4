// Copies the address of the page; shows it, marked, while there is something to be said about it. Sees to it that one
// choice is one entry of the browser's history.
export default function ({ parentElement }) {
  keepOneEntry();
  const button = parentElement.querySelector("button");
  const field = parentElement.querySelector("input");
  button.onclick = async () => {
    field.value = window.location.href;
    field.hidden = false;
    field.focus();
    field.select();
    button.textContent = (await copy(field)) ? "Copied" : "Press Ctrl+C";
    clearTimeout(button.surgeTimer);
    button.surgeTimer = setTimeout(() => {
      button.textContent = "Copy link";
      field.hidden = true;
    }, 6000);
  };
}

async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}

// Streamlit adds an entry for another page, one for its parameters and one for what Python fills in afterwards. What no
// press came before belongs to the entry that is there.
export function keepOneEntry() {
  if (globalThis.surgeEntries) return;
  globalThis.surgeEntries = true;
  const add = history.pushState;
  let pressed = false;
  history.pushState = (...entry) => {
    if (pressed) add.apply(history, entry);
    else history.replaceState(...entry);
    pressed = false;
  };
  for (const name of ["pointerdown", "keydown"]) {
    addEventListener(name, () => (pressed = true), true);
  }
  addEventListener("popstate", () => (pressed = false));
}

// Copies the address of the page; shows it, marked, while there is something to be said about it.
export default function ({ parentElement }) {
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

// What the scripts of all components share: a library that may come later, an end that may not be one, a file to save.
const WAIT = 20; // milliseconds between two looks for the library, which a component of its own carries

// Acts once the page has a global of this name, unless the view is gone by then.
export function whenLoaded(view, name, action) {
  if (globalThis[name]) action();
  else if (!view.gone) setTimeout(() => whenLoaded(view, name, action), WAIT);
}

// What a component's script returns. Streamlit calls it before every further run, which takes the view over: the view
// ends only where none has followed and its element has left the page.
export function whenGone(view, element, end) {
  view.gone = false;
  return () => {
    view.gone = true;
    setTimeout(() => {
      if (view.gone && !element.isConnected) end();
    }, 0);
  };
}

export function download(href, name) {
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  link.click();
}

// A page as small as the scripts' logic needs: a window's events, and what hears of them. No DOM.
globalThis.CustomEvent ??= class extends Event {
  constructor(type, { detail }) {
    super(type);
    this.detail = detail;
  }
};
const target = new EventTarget();
for (const name of ["addEventListener", "removeEventListener", "dispatchEvent"]) {
  globalThis[name] = target[name].bind(target);
}

// All details of an event from now on.
export function heard(name) {
  const details = [];
  addEventListener(name, ({ detail }) => details.push(detail));
  return details;
}

// A key as the scripts read it; `stopped` counts what they kept to themselves.
export function key(name, more = {}) {
  const event = { key: name, stopped: 0, preventDefault: () => (event.stopped += 1), stopPropagation: () => {} };
  return Object.assign(event, more);
}

// Elements are made here and nowhere else, out of text: nothing is ever read as HTML.

const SVG = 'http://www.w3.org/2000/svg';

/** Makes an element: `h('p', { class: 'soft', on: { click } }, 'text', child)`. Children that are null or false are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === 'value' || name === 'checked' || name === 'selected' || name === 'disabled') {
      element[name] = value;
    } else if (value === true) {
      element.setAttribute(name, '');
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  element.append(...present(children));
  return element;
}

/** A drawing in lines, for the eye only. */
export function icon(path) {
  const svg = document.createElementNS(SVG, 'svg');
  const line = document.createElementNS(SVG, 'path');
  for (const [name, value] of Object.entries({ viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' })) {
    svg.setAttribute(name, value);
  }
  const stroke = { d: path, fill: 'none', stroke: 'currentColor', 'stroke-width': '1.6', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };
  for (const [name, value] of Object.entries(stroke)) line.setAttribute(name, value);
  svg.append(line);
  return svg;
}

/** Replaces what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
  return element;
}

/** Sets a text only where it differs, so that nothing is read out twice and no selection is lost. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let serial = 0;

/** An id that no other element has. */
export function newId(stem) {
  serial += 1;
  return `${stem}-${serial}`;
}

/** Tells people who do not see the page what has changed. */
export function announce(text) {
  put(document.getElementById('announcer'), text);
}

/** Gives the browser a file to save. */
export function save(name, kind, text) {
  const url = URL.createObjectURL(new Blob([text], { type: kind }));
  const link = h('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Marks a button as busy while something is done; a second click meanwhile does nothing. */
export async function whileBusy(button, work) {
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  try {
    await work();
  } finally {
    button.removeAttribute('aria-disabled');
  }
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

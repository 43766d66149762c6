// Building the page. Text goes in as text; there is no way in for markup.

const at = (id) => document.getElementById(id);

// el("p.note", {title: "…"}, "text", [children]) – properties, listeners as `onclick`, and
// attributes where an element has no such property.
function el(what, props, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && !name.startsWith("aria")) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// A state's sign, which its word beside it says to those who do not see it.
const sign = (state) => el("i", { "aria-hidden": "true" }, STATES[state].mark);

// What stands where a film would.
const noFilm = (shot) => el(`div.nofilm.is-${shot.state}`, null, sign(shot.state), word(shot.state));

const options = (select, pairs, chosen) =>
  select.replaceChildren(...pairs.map(([value, text]) =>
    el("option", { value, textContent: text, selected: value === chosen })));

let toasting = 0;
function toast(text, lasts) {
  const node = at("toast");
  node.textContent = text;
  node.classList.add("on");
  clearTimeout(toasting);
  toasting = setTimeout(() => node.classList.remove("on"), lasts || 2400);
}

async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages from a file may not have the clipboard: take the old way.
    const area = el("textarea", { value: text, readOnly: true, className: "unseen" });
    (document.querySelector("dialog[open]") || document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(said || "Copied");
}

const command = ({ line, when }) =>
  el("div.command", null,
    el("code", null, line),
    when ? el("span.when", null, when) : null,
    el("button.plain", { type: "button", "aria-label": `Copy ${line}`, onclick: () => copy(line) }, "Copy"));

// A dialog that closes on Escape, on its cross and on a click beside it.
function show(dialog, titleId, title, ...content) {
  const close = el("button.cross", { type: "button", "aria-label": "Close", onclick: () => dialog.close() }, "✕");
  dialog.replaceChildren(el("div.sheet", null,
    el("div.dialog-head", null, el("h2", { id: titleId, tabIndex: -1 }, ...[title].flat()), close), ...content));
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
  if (!dialog.open) dialog.showModal();
  // Not the cross, which the space bar would press.
  at(titleId).focus();
}

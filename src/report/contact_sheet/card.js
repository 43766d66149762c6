// One shot as a card of the grid.

const cards = new Map();

function drawCard(shot) {
  const starred = stars.has(shot.key);
  const media = el("button.media", {
    type: "button",
    "aria-label": `${shot.key}, ${word(shot.state)}: show everything`,
    onclick: (event) => touched(event, shot.key),
  }, ...picture(shot));
  const card = el(`article.card.is-${shot.state}`, { "data-key": shot.key },
    media,
    el("button.star", {
      type: "button", "aria-pressed": String(starred), "aria-label": `Favourite ${shot.key}`,
      title: "Favourite (F)", onclick: () => toggleStar(shot.key),
    }, "★"),
    el("div.text", null,
      el("div.line", null,
        el("h3", { title: shot.key }, shot.key),
        el("span.price", null, shot.price === null ? "" : dollars(shot.price))),
      el("p.prompt", { title: shot.prompt }, shot.prompt),
      el("p.meta", null, ...meta(shot)),
      ...odd(shot).map((text) => el("p.odd", null, `⚠ ${text}`)),
      shot.reason ? el("p.reason", { title: shot.reason }, shot.reason) : null));
  watch(card, shot);
  return card;
}

function picture(shot) {
  const film = (shot.files || [])[0];
  const parts = [];
  if (film) {
    parts.push(el("video", { muted: true, loop: true, playsInline: true, preload: "none", tabIndex: -1, "aria-hidden": "true" }),
      el("span.played", { "aria-hidden": "true" }));
    const told = [film.seconds ? `${Number(film.seconds).toFixed(1)} s` : null, film.sound ? "♪" : null,
      shot.files.length > 1 ? `${shot.files.length} files` : null].filter(Boolean);
    if (told.length) parts.push(el("span.told", null, told.join(" · ")));
  }
  if (shot.state !== "delivered") {
    parts.push(el("span.badge", null, sign(shot.state), word(shot.state)));
  }
  return parts;
}

function meta(shot) {
  const { mode, duration } = shot.params || {};
  const said = [shot.model, mode, duration ? `${duration} s` : null, took(shot) === null ? null : `took ${span(took(shot))}`];
  return [
    ...variant(shot).map(([name, value]) => el("span.tag.variant", { title: name }, name === "take" ? `take ${value}` : value)),
    ...(shot.tags || []).map((tag) => el("span.tag", null, tag)),
    el("span", null, said.filter(Boolean).join(" · ")),
  ];
}

function toggleStar(key) {
  star(key, !stars.has(key));
  const card = cards.get(key);
  if (card) card.querySelector(".star").setAttribute("aria-pressed", String(stars.has(key)));
  drawStars();
  if (choice.stars) draw();
}

function drawStars() {
  at("stars").querySelector("b").textContent = stars.size.toLocaleString("en");
  at("stars").setAttribute("aria-pressed", String(choice.stars));
}

// The grid is made as far as somebody looks, and a piece more.
const PIECE = 120;
let pending = [];

function draw() {
  const list = chosen();
  at("count").textContent = list.length === shots.size ? plural(list.length, "shot")
    : `${list.length.toLocaleString("en")} of ${plural(shots.size, "shot")}`;
  if (leftOut) at("count").append(`; ${plural(leftOut, "more shot")} are left out here, \`rushes report\` has them all`);
  rest();
  cards.clear();
  pending = groups(list).flatMap((group) => {
    const box = el(`section.group${group.together ? ".together" : ""}`);
    if (group.title !== null) box.append(groupHead(group));
    const grid = el("div.grid");
    box.append(grid);
    return [{ box }, ...group.shots.map((shot) => ({ grid, shot }))];
  });
  at("grid").replaceChildren(...(list.length ? [] : [nothing()]));
  drawMore();
}

const nothing = () => el("div.empty", null,
  el("p", null, shots.size ? "No shot is like that." : "There are no shots yet."),
  shots.size ? el("button.plain", { type: "button", onclick: clearChoice }, "Show all") : null);

const groupHead = (group) => el("div.group-head", null,
  el("h2", null, group.title),
  el("span.dim", null, plural(group.shots.length, group.together ? "version" : "shot")),
  group.together && group.shots.some(clip)
    ? el("button.plain", { type: "button", onclick: () => compare(group.title, group.shots.map((shot) => shot.key)) }, "Compare")
    : null);

function drawMore() {
  for (let made = 0; pending.length && made < PIECE;) {
    const { box, grid, shot } = pending.shift();
    if (box) {
      at("grid").append(box);
    } else {
      const card = drawCard(shots.get(shot.key) || shot);
      // Grouped by tags a shot may stand twice; the first card is the one that is kept up to date.
      if (!cards.has(shot.key)) cards.set(shot.key, card);
      grid.append(card);
      made += 1;
    }
  }
  at("more").hidden = !pending.length;
}

// Replaces a card in place, unless only its film goes on.
function redraw(shot) {
  const old = cards.get(shot.key);
  if (!old) return;
  const card = drawCard(shot);
  cards.set(shot.key, card);
  const focused = old.contains(document.activeElement) ? document.activeElement.className : null;
  forget(old);
  old.replaceWith(card);
  card.classList.add("changed");
  if (focused) card.querySelector(`.${focused.split(" ")[0]}`)?.focus();
}

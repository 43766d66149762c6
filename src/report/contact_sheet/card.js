// One shot as a card, and the wall of cards: scenes beside each other, each clip in its own shape.

const cards = new Map();
// The form of a shot that has none of its own: what most have.
let usualForm = 16 / 9;

// `group` says what stands above the card already.
function drawCard(shot, group) {
  const media = el("button.media", {
    type: "button",
    "aria-label": `${shot.key}, ${word(shot.state)}: show everything`,
    onclick: (event) => touched(event, shot.key),
  }, ...picture(shot));
  const card = el(`article.card.is-${shot.state}${shot.old ? ".is-old" : ""}`, { "data-key": shot.key },
    el("div.frame", null, media,
      el("p.marks", null),
      el("div.deciders", null,
        el("button.decider", { type: "button", "data-does": "pick", "aria-label": `Pick ${shot.key}`,
          title: "Pick (F)", onclick: () => toggle(shot.key, "pick") }, "★"),
        el("button.decider", { type: "button", "data-does": "rejected", "aria-label": `Reject ${shot.key}`,
          title: "Reject (X)", onclick: () => toggle(shot.key, "rejected") }, "⊘"))),
    el("div.text", null,
      el("div.line", null,
        el("h3", { title: shot.key }, titleOf(shot, group)),
        titleOf(shot, group) ? null : el("p.meta", { title: meta(shot) }, meta(shot)),
        el("span.price", null, shot.price === null ? "" : dollars(shot.price))),
      shot.old ? el("p.earlier", null, `earlier text, revision ${shot.revision}`) : null,
      titleOf(shot, group) ? el("p.meta", { title: meta(shot) }, meta(shot)) : null,
      ...odd(shot).map((text) => el("p.odd", null, `⚠ ${text}`)),
      shot.reason ? el("p.reason", { title: shot.reason }, shot.reason) : null));
  card.style.setProperty("--r", String(shape(shot)));
  markVerdict(card, shot);
  watch(card, shot);
  return card;
}

// What tells the card from its neighbours: below a scene's name the rest of it, else all of it.
function titleOf(shot, group) {
  if (!group.together) return group.wide ? shot.key : label(shot);
  if (label(shot)) return label(shot);
  return shot.id === group.title ? (shot.old ? `revision ${shot.revision}` : "as it is now") : shot.id;
}

// Width by height of what is shown; what has no film and no ratio takes the usual one.
const shape = (shot) => Math.max(0.4, Math.min(3, form(shot) || usualForm));

function picture(shot) {
  const film = (shot.files || [])[0];
  const parts = [];
  if (film) {
    parts.push(el("video", { muted: true, loop: true, playsInline: true, preload: "none", tabIndex: -1, "aria-hidden": "true" }),
      el("span.played", { "aria-hidden": "true" }));
    const said = [film.seconds ? `${Number(film.seconds).toFixed(1)} s` : null, film.sound ? "♪" : null,
      shot.files.length > 1 ? `${shot.files.length} files` : null].filter(Boolean);
    if (said.length) parts.push(el("span.told", null, said.join(" · ")));
  }
  if (shot.state !== "delivered") {
    parts.push(el("span.badge", null, sign(shot.state), word(shot.state)));
  }
  return parts;
}

function meta(shot) {
  const { mode, duration } = shot.params || {};
  const said = [shot.model, mode, duration ? `${duration} s` : null,
    took(shot) === null ? null : `took ${span(took(shot))}`, ...(shot.tags || []).map((tag) => `#${tag}`)];
  return said.filter(Boolean).join(" · ");
}

function drawStars() {
  at("stars").querySelector("b").textContent = picks().length.toLocaleString("en");
  at("stars").setAttribute("aria-pressed", String(choice.decided === "picked"));
}

// The wall is made as far as it is looked at, and a piece more.
const PIECE = 120;
let pending = [];
// How wide the wall is.
let room = 0;

function draw() {
  size();
  const list = chosen();
  const now = (all) => all.filter((shot) => !shot.old).length;
  const earlier = list.length - now(list);
  at("count").textContent = list.length === shots.size ? plural(now(list), "shot")
    : `${now(list).toLocaleString("en")} of ${plural(current().length, "shot")}`;
  if (earlier) at("count").append(`, ${plural(earlier, "earlier clip")}`);
  if (leftOut) at("count").append(`; ${plural(leftOut, "more shot")} are left out here, \`rushes report\` has them all`);
  at("count").hidden = list.length === shots.size && !leftOut && !earlier;
  rest();
  cards.clear();
  const all = groups(list);
  drawScenes(all);
  pending = all.flatMap((group, index) => [{ group, index }, ...group.shots.map((shot) => ({ group, shot }))]);
  at("grid").replaceChildren(...(list.length ? [] : [nothing()]));
  drawMore();
}

// A scene without its cards; as wide as its pictures side by side are.
function drawGroup(group, index) {
  group.grid = el("div.cards");
  const box = el(`section.group${group.together ? ".together" : ""}${group.wide ? ".wide-group" : ""}`,
    { "data-group": String(index) }, groupHead(group), group.grid);
  const sum = group.shots.reduce((all, shot) => all + shape(shot), 0);
  const gaps = (group.shots.length - 1) * 10;
  box.style.setProperty("--sum", sum.toFixed(3));
  box.style.setProperty("--gaps", `${gaps}px`);
  // The last of several lines is not stretched.
  box.classList.toggle("wraps", sum * tall + gaps > room);
  return box;
}

const nothing = () => el("div.empty", null,
  el("p", null, shots.size ? "No shot is like that." : "There are no shots yet."),
  shots.size ? el("button.plain", { type: "button", onclick: clearChoice }, "Show all") : null);

const groupHead = (group) => el("div.group-head", null,
  el("h2", { title: group.title }, group.title),
  group.shots.length > 1 ? el("span.dim", null, String(group.shots.length)) : null,
  group.wide ? null : el("span.dim.prompt", { title: group.shots[0].prompt }, group.shots[0].prompt),
  group.together && group.shots.some(clip)
    ? el("button.plain.small", { type: "button", title: "Compare (C)", onclick: () => compare(group.title, group.shots.map((shot) => shot.key)) }, "Compare")
    : null);

// Makes a piece more; with `until` all up to that scene.
function drawMore(until) {
  // Asked once for many: each answer lays the page out anew.
  room = at("grid").clientWidth;
  for (let made = 0; pending.length && (made < PIECE || until !== undefined);) {
    const { group, index, shot } = pending.shift();
    if (!shot) {
      at("grid").append(drawGroup(group, index));
      if (until === index) {
        until = undefined;
        made = 0;
      }
    } else {
      const card = drawCard(shots.get(shot.key) || shot, group);
      card.group = group;
      // Grouped by tags a shot may stand twice; the first card is the one that is kept up to date.
      if (!cards.has(shot.key)) cards.set(shot.key, card);
      group.grid.append(card);
      made += 1;
    }
  }
  at("more").hidden = !pending.length;
}

// Replaces a card in place, unless only its film goes on.
function redraw(shot) {
  const old = cards.get(shot.key);
  if (!old) return;
  const card = drawCard(shot, old.group);
  card.group = old.group;
  cards.set(shot.key, card);
  const focused = old.contains(document.activeElement) ? document.activeElement.className : null;
  forget(old);
  old.replaceWith(card);
  card.classList.add("changed");
  if (focused) card.querySelector(`.${focused.split(" ")[0]}`)?.focus();
}

// Scenes to jump to.
function drawScenes(all) {
  const named = choice.group === "none" ? [] : all;
  at("scene").parentElement.hidden = named.length < 3;
  options(at("scene"), [["", "a scene…"], ...named.map((group, index) => [String(index), group.title])], "");
}

function goTo(index) {
  const css = `[data-group="${index}"]`;
  if (!document.querySelector(css) && pending.length) drawMore(Number(index));
  const box = document.querySelector(css);
  if (!box) return;
  box.scrollIntoView({ block: "start" });
  box.querySelector(".media")?.focus({ preventScroll: true });
}

// The scene after the one with the focus, or before it; else by what stands below the bar.
function nextScene(by) {
  const here = document.activeElement?.closest(".group");
  if (here) {
    goTo(Number(here.dataset.group) + by);
    return;
  }
  const top = at("bar").getBoundingClientRect().bottom + 20;
  const all = [...document.querySelectorAll(".group")];
  const found = by > 0 ? all.find((box) => box.getBoundingClientRect().top > top)
    : all.reverse().find((box) => box.getBoundingClientRect().top < top - 40);
  if (found) goTo(found.dataset.group);
}

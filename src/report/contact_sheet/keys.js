// The keyboard. Keys mean the clip that is open, else the one under the focus, else under the pointer.

const KEYS = [
  ["/", "search"], ["?", "this list"], ["← → ↑ ↓", "to the clip beside, above, below"],
  ["Enter", "everything about the clip"], ["Space", "play and pause"],
  ["F", "pick"], ["X", "reject"], ["1 … 5, 0", "rate, no rating"], ["N", "note"],
  ["C", "compare the versions of the scene"], ["E", "again or edited: the manifest's lines"],
  ["[ ]", "the scene before, the next one"], ["Esc", "close"],
];

let pointed = null;
document.addEventListener("pointerover", (event) => {
  pointed = event.target.closest("[data-key]") || pointed;
});

function meant() {
  if (shown) return shown;
  const open = document.querySelector("dialog[open]");
  const within = open || document;
  const focused = document.activeElement?.closest("[data-key]");
  if (focused && within.contains(focused)) return focused.dataset.key;
  return pointed && pointed.isConnected && within.contains(pointed) ? pointed.dataset.key : null;
}

const DOES = {
  f: (key) => toggle(key, "pick"), p: (key) => toggle(key, "pick"), x: (key) => toggle(key, "rejected"),
  0: (key) => decide(key, { rating: 0 }),
  e: (key) => openAgain(key),
  n: (key) => { if (shown !== key) openDetail(key); at("detail").querySelector(".note")?.focus(); },
  c: (key) => compareOf(key),
};
for (const rating of [1, 2, 3, 4, 5]) DOES[rating] = (key) => decide(key, { rating });

// The scene of a clip beside each other, in the order that is shown.
function compareOf(key) {
  const group = groups(chosen()).find((one) => one.together && one.shots.some((shot) => shot.key === key));
  if (!group || !group.shots.some(clip)) return;
  if (at("detail").open) at("detail").close();
  compare(group.title, group.shots.map((shot) => shot.key));
}

// To the card beside, or to the nearest in the row above or below.
function walk(key) {
  const all = [...document.querySelectorAll("#grid .media")];
  const here = document.activeElement.closest("#grid .card")?.querySelector(".media");
  if (!here) {
    all[0]?.focus();
    return;
  }
  const index = all.indexOf(here);
  if (key === "ArrowLeft" || key === "ArrowRight") {
    all[index + (key === "ArrowRight" ? 1 : -1)]?.focus();
    return;
  }
  const from = here.getBoundingClientRect();
  const [x, y] = [from.left + from.width / 2, from.top];
  const down = key === "ArrowDown";
  let best = null;
  for (const media of all) {
    const box = media.getBoundingClientRect();
    const rows = down ? box.top - from.bottom : from.top - box.bottom;
    if (media === here || rows < -4) continue;
    const far = Math.abs(box.top - y) * 3 + Math.abs(box.left + box.width / 2 - x);
    if (!best || far < best.far) best = { far, media };
  }
  best?.media.focus();
}

function pressed(event) {
  if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input, select, textarea")) return;
  const open = document.querySelector("dialog[open]");
  const { key } = event;
  const stop = () => event.preventDefault();
  if (key === "?") {
    stop();
    showKeys();
  } else if (!open && key === "/") {
    stop();
    at("find").focus();
  } else if (!open && (key === "[" || key === "]")) {
    nextScene(key === "]" ? 1 : -1);
  } else if (!open && key.startsWith("Arrow") && (event.target === document.body || event.target.closest("#shots"))) {
    stop();
    walk(key);
  } else if (!open && key === " " && event.target.closest(".media")) {
    stop();
    const film = event.target.querySelector("video");
    if (film) (film.paused ? play : pause)(film);
  } else if (DOES[key.toLowerCase()] && !at("choice").open) {
    const clipMeant = meant();
    if (!clipMeant) return;
    stop();
    DOES[key.toLowerCase()](clipMeant);
  }
}

const showKeys = () => show(at("choice"), "choice-title", "Keyboard",
  el("dl.keys", null, ...KEYS.flatMap(([key, what]) => [
    el("dt", null, el("kbd", null, key)), el("dd", null, what)])));

document.addEventListener("keydown", pressed);

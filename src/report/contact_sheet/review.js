// What was decided about clips: picks, ratings, rejects, notes. A server that keeps them is told of each
// change and tells of others'; without one they stay in this browser, on top of what the page was made with.

const NOTHING = { pick: false, rating: 0, rejected: false, note: "", at: null };
const MAX_RATING = 5;
// By clip: a shot's id and its revision.
const verdicts = new Map();
const clipKey = ({ id, revision }) => `${id}~r${revision || 1}`;
const verdict = (shot) => verdicts.get(clipKey(shot)) || NOTHING;
const saves = () => Boolean(head.review && head.review.saves);

const KEPT = `rushes review ${head.campaign}${head.simulated ? " sim" : ""}`;
// What older pages kept: the names of favourites.
const FAVOURITES = `rushes favourites ${head.campaign}${head.simulated ? " sim" : ""}`;
// What was decided in this browser, by clip.
const own = {};

const stored = (name) => {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
};

function store() {
  try {
    localStorage.setItem(KEPT, JSON.stringify(own));
  } catch { /* kept while the page is open */ }
}

const tidy = (said) => ({
  pick: said.pick === true, rejected: said.rejected === true && said.pick !== true,
  rating: Math.max(0, Math.min(MAX_RATING, Math.round(Number(said.rating)) || 0)),
  note: typeof said.note === "string" ? said.note : "", at: typeof said.at === "string" ? said.at : null,
});

function readReview() {
  for (const said of told.review || []) verdicts.set(clipKey(said), tidy(said));
  if (saves()) return;
  for (const [key, said] of Object.entries(stored(KEPT) || {})) {
    if (!said || typeof said !== "object") continue;
    const kept = tidy(said);
    const before = verdicts.get(key);
    // The later word holds.
    if (before && before.at && (!kept.at || kept.at < before.at)) continue;
    own[key] = kept;
    verdicts.set(key, kept);
  }
  const favourites = stored(FAVOURITES);
  if (!Array.isArray(favourites)) return;
  const unknown = favourites.filter((key) => !shots.has(String(key)));
  for (const key of favourites) {
    const shot = shots.get(String(key));
    if (!shot || verdicts.has(clipKey(shot))) continue;
    own[clipKey(shot)] = { ...NOTHING, pick: true };
    verdicts.set(clipKey(shot), own[clipKey(shot)]);
  }
  store();
  try {
    if (unknown.length) localStorage.setItem(FAVOURITES, JSON.stringify(unknown));
    else localStorage.removeItem(FAVOURITES);
  } catch { /* taken over again, which changes nothing */ }
}

// A pick is never rejected.
function after(before, change) {
  const next = { ...before, ...change, at: new Date().toISOString() };
  if (change.pick) next.rejected = false;
  if (change.rejected) next.pick = false;
  return next;
}

// Clips whose change is on its way: what the server says of them is older.
const onTheWay = new Map();

function decide(key, change) {
  const shot = shots.get(key);
  if (!shot) return;
  const before = verdict(shot);
  const next = after(before, change);
  settle(shot, next);
  if (saves()) {
    send(shot, change, before);
  } else {
    own[clipKey(shot)] = next;
    store();
  }
}

// One after the other for each clip, so that they arrive in their order.
function send(shot, change, before) {
  const clip = clipKey(shot);
  const { id, revision } = shot;
  const last = (onTheWay.get(clip) || Promise.resolve(before)).then(async (known) => {
    try {
      const answer = await fetch("review", {
        method: "POST",
        headers: { "X-Rushes": "1", "Content-Type": "application/json" },
        body: JSON.stringify({ id, revision, ...change }),
      });
      if (answer.ok) return tidy(await answer.json());
      toast(`Not kept: ${(await answer.text()).trim() || answer.status}`, 9000);
    } catch {
      toast("Not kept: the server cannot be reached", 9000);
    }
    return known;
  });
  onTheWay.set(clip, last);
  last.then((kept) => {
    if (onTheWay.get(clip) !== last) return;
    onTheWay.delete(clip);
    settle(shot, kept);
  });
}

// Shows another verdict about a shot wherever the shot stands.
function settle(shot, next) {
  const clip = clipKey(shot);
  if (JSON.stringify(verdicts.get(clip)) === JSON.stringify(next)) return;
  verdicts.set(clip, next);
  drawVerdict(shot);
}

// What the server tells of others' changes, and of those of this page.
function hear(list) {
  const byClip = new Map([...shots.values()].map((shot) => [clipKey(shot), shot]));
  for (const said of list) {
    if (onTheWay.has(clipKey(said))) continue;
    const shot = byClip.get(clipKey(said));
    if (shot) settle(shot, tidy(said));
    else verdicts.set(clipKey(said), tidy(said));
  }
}

const toggle = (key, what) => shots.has(key) && decide(key, { [what]: !verdict(shots.get(key))[what] });
const rate = (key, rating) => shots.has(key)
  && decide(key, { rating: verdict(shots.get(key)).rating === rating ? 0 : rating });
const picks = () => [...shots.values()].filter((shot) => verdict(shot).pick);

// Draws what a verdict changes: the shot's card, and what is open above it.
function drawVerdict(shot) {
  for (const node of document.querySelectorAll(`[data-key="${CSS.escape(shot.key)}"]`)) markVerdict(node, shot);
  drawStars();
  // The filter goes by verdicts.
  if (choice.decided) {
    stale = true;
    soon();
  }
}

// A verdict in signs and words, for the corner of a card.
function marks(said) {
  const found = [];
  if (said.pick) found.push(el("span.mark.picked", null, "★ picked"));
  if (said.rejected) found.push(el("span.mark.rejected", null, "⊘ rejected"));
  if (said.rating) found.push(el("span.mark", { title: `rated ${said.rating} of ${MAX_RATING}` }, `${said.rating}/${MAX_RATING}`));
  if (said.note) found.push(el("span.mark", { title: said.note }, "✎ note"));
  return found;
}

function markVerdict(node, shot) {
  const said = verdict(shot);
  node.classList.toggle("is-picked", said.pick);
  node.classList.toggle("is-rejected", said.rejected);
  node.querySelector(".marks")?.replaceChildren(...marks(said));
  const note = node.querySelector("textarea.note");
  if (note && document.activeElement !== note) note.value = said.note;
  for (const button of node.querySelectorAll("[data-does]")) {
    button.setAttribute("aria-pressed", String(said[button.dataset.does]));
  }
  for (const button of node.querySelectorAll("[data-rating]")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.rating) <= said.rating && said.rating > 0));
  }
}

const pressable = (key, what, text, title) => el("button.chip", {
  type: "button", "data-does": what, "aria-pressed": "false", title, onclick: () => toggle(key, what),
}, text);

const rater = (key) => el("span.rater", { role: "group", "aria-label": "Rating" },
  ...[1, 2, 3, 4, 5].map((rating) => el("button.dot", {
    type: "button", "data-rating": String(rating), "aria-label": `${rating} of ${MAX_RATING}`, title: `Rate ${rating} (${rating})`,
    onclick: () => rate(key, rating),
  }, String(rating))));

// Everything to decide about one clip.
function verdictBox(shot) {
  const said = verdict(shot);
  const note = el("textarea.note", { rows: 2, maxLength: 4000, placeholder: "Note", "aria-label": "Note", value: said.note });
  const keepNote = () => { if (note.value.trim() !== verdict(shot).note) decide(shot.key, { note: note.value.trim() }); };
  note.addEventListener("change", keepNote);
  const box = el("div.verdict", { "data-key": shot.key },
    el("div.verdict-row", null,
      pressable(shot.key, "pick", "★ Pick", "Pick (F)"),
      pressable(shot.key, "rejected", "⊘ Reject", "Reject (X)"), rater(shot.key)),
    note);
  markVerdict(box, shot);
  return box;
}

readReview();

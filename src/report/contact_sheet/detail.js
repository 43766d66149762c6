// Everything about one shot.

let shown = null;

function openDetail(key) {
  const shot = shots.get(key);
  if (!shot) return;
  if (playing) pause(playing);
  shown = key;
  const family = versions(shot);
  show(at("detail"), "detail-title", key,
    el("div.detail", null,
      el("div.films", null, ...films(shot)),
      el("div.facts", null,
        verdictBox(shot),
        el("div.steps", null,
          el("button.plain", { type: "button", onclick: () => openAgain(key) }, "Again, or edited…"),
          family.length > 1 && family.some(clip)
            ? el("button.plain", { type: "button", onclick: () => compareOf(key) }, "Compare") : null),
        ...facts(shot))),
    el("div.steps.ends", null,
      el("button.plain", { type: "button", onclick: () => step(-1) }, "← Previous"),
      el("button.plain", { type: "button", onclick: () => step(1) }, "Next →")));
}

// The shot as it is and was, the newest first.
const versions = (shot) => [...shots.values()].filter((one) => one.id === shot.id)
  .sort((a, b) => b.revision - a.revision);

function films(shot) {
  if (!shot.files || !shot.files.length) {
    return [noFilm(shot)];
  }
  return shot.files.map((file, index) => el("figure", null,
    el("video", { controls: true, loop: true, playsInline: true, preload: "metadata", autoplay: index === 0, muted: index > 0, src: place(file) }),
    el("figcaption", null, el("a", { href: place(file) }, file.path), ` · ${filmed(file)}`)));
}

const filmed = (file) => [
  file.seconds ? `${Number(file.seconds).toFixed(1)} s` : null,
  file.width ? `${file.width} × ${file.height}` : null,
  file.sound === true ? "with sound" : file.sound === false ? "silent" : null,
  bytes(file.bytes),
].filter(Boolean).join(" · ");

const inWords = (value) => (value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));

// What a later text asks for otherwise than an earlier one: [[name, before, after]].
function changes(before, after) {
  const all = (shot) => ({ prompt: shot.prompt, model: shot.model, ...(shot.params || {}) });
  const [old, now] = [all(before), all(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((name) => JSON.stringify(old[name]) !== JSON.stringify(now[name]))
    .map((name) => [name, inWords(old[name]), inWords(now[name])]);
}

// The texts before and after, with what differs.
function earlierTexts(shot) {
  const others = versions(shot).filter((one) => one.key !== shot.key);
  return others.map((other) => el("div.version", null,
    el("button.name", { type: "button", onclick: () => openDetail(other.key) },
      other.old ? `Revision ${other.revision}` : `As it is now, revision ${other.revision}`),
    el("ul", null, ...(shot.old ? changes(shot, other) : changes(other, shot)).map(([name, before, after]) =>
      el("li", null, `${name}: `, el("del", null, before), " → ", el("ins", null, after))))));
}

function facts(shot) {
  const row = (name, ...value) => [el("dt", null, name), el("dd", null, ...value)];
  const rows = [
    row("State", el(`span.tell.is-${shot.state}`, null, sign(shot.state), ` ${word(shot.state)}`),
      shot.old ? " · an older text, or no longer in the manifest" : ""),
    shot.reason ? row("Reason", shot.reason) : [],
    odd(shot).length ? row("Look", ...odd(shot).map((text) => el("div.odd", null, `⚠ ${text}`))) : [],
    row("Price", dollars(shot.price)),
    row("Model", shot.model),
    ...variant(shot).map(([name, value]) => row(name, String(value))),
    shot.tags && shot.tags.length ? row("Tags", shot.tags.join(", ")) : [],
    ...Object.entries(shot.params || {}).map(([name, value]) => row(name, inWords(value))),
    shot.revision > 1 || shot.old ? row("Revision", String(shot.revision)) : [],
    shot.attempts > 1 ? row("Requests", String(shot.attempts)) : [],
    shot.task ? row("Task", el("code", null, shot.task)) : [],
    ...(shot.urls || []).map((url) => row("Result", el("code", null, url))),
    shot.submitted ? row("Submitted", moment(shot.submitted)) : [],
    shot.completed ? row("Rendered", `${moment(shot.completed)}${took(shot) === null ? "" : `, took ${span(took(shot))}`}`) : [],
    shot.delivered ? row("Delivered", moment(shot.delivered)) : [],
  ];
  return [
    el("p.whole", null, shot.prompt),
    ...earlierTexts(shot),
    el("dl", null, ...rows.flat()),
    ...commands(shot).map(command),
  ];
}

// The neighbour in the order that is shown.
function step(by) {
  const order = [...new Set([...cards.keys(), ...pending.filter((piece) => piece.shot).map((piece) => piece.shot.key)])];
  const next = order[order.indexOf(shown) + by];
  if (next) openDetail(next);
}

at("detail").addEventListener("close", () => {
  const key = shown;
  shown = null;
  at("detail").replaceChildren();
  cards.get(key)?.querySelector(".media").focus({ preventScroll: true });
});

at("detail").addEventListener("keydown", (event) => {
  if (event.target.closest("video, input, textarea")) return;
  if (event.key === "ArrowRight") step(1);
  else if (event.key === "ArrowLeft") step(-1);
});

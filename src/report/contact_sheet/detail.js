// Everything about one shot.

let shown = null;

function openDetail(key) {
  const shot = shots.get(key);
  if (!shot) return;
  if (playing) pause(playing);
  shown = key;
  show(at("detail"), "detail-title", key,
    el("div.detail", null, el("div.films", null, ...films(shot)), el("div.facts", null, ...facts(shot))),
    el("div.steps", null,
      el("button.plain", { type: "button", onclick: () => step(-1) }, "← Previous"),
      starButton(key),
      el("button.plain", { type: "button", onclick: () => step(1) }, "Next →")));
}

const starButton = (key) => el("button.chip", {
  type: "button", "aria-pressed": String(stars.has(key)),
  onclick: (event) => {
    toggleStar(key);
    event.currentTarget.setAttribute("aria-pressed", String(stars.has(key)));
  },
}, "★ Favourite");

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
    ...Object.entries(shot.params || {}).map(([name, value]) =>
      row(name, typeof value === "string" ? value : JSON.stringify(value))),
    shot.revision > 1 ? row("Revision", String(shot.revision)) : [],
    shot.attempts > 1 ? row("Requests", String(shot.attempts)) : [],
    shot.task ? row("Task", el("code", null, shot.task)) : [],
    ...(shot.urls || []).map((url) => row("Result", el("code", null, url))),
    shot.submitted ? row("Submitted", moment(shot.submitted)) : [],
    shot.completed ? row("Rendered", `${moment(shot.completed)}${took(shot) === null ? "" : `, took ${span(took(shot))}`}`) : [],
    shot.delivered ? row("Delivered", moment(shot.delivered)) : [],
  ];
  return [
    el("p.whole", null, shot.prompt),
    el("dl", null, ...rows.flat()),
    ...commands(shot).map(command),
  ];
}

// The neighbour in the order that is shown.
function step(by) {
  const order = [...new Set(groups(chosen()).flatMap((group) => group.shots.map((shot) => shot.key)))];
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

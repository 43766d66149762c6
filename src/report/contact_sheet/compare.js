// Versions of one idea side by side, as big as the window lets them be, played together.

function compare(title, keys) {
  const list = keys.map((key) => shots.get(key)).filter(Boolean);
  const names = [...new Set(list.flatMap((shot) => variant(shot).map(([name]) => name)))];
  const figures = list.map((shot) => {
    const figure = el(`figure.is-${shot.state}`, { "data-key": shot.key },
      el("div.frame", { tabIndex: 0, "aria-label": shot.key },
        clip(shot)
          ? el("video", { src: clip(shot), loop: true, muted: true, playsInline: true, preload: "auto", onclick: playAll })
          : noFilm(shot),
        el("p.marks", null)),
      el("figcaption", null,
        el("span.words", null,
          el("b", null, [label(shot) || shot.id, shot.old ? `revision ${shot.revision}` : null].filter(Boolean).join(" · ")),
          el("span.dim", null, ` ${dollars(shot.price)}`),
          ...odd(shot).map((text) => el("span.odd", null, ` ⚠ ${text}`))),
        pressable(shot.key, "pick", "★", "Pick (F)"), pressable(shot.key, "rejected", "⊘", "Reject (X)"), rater(shot.key)));
    figure.shape = shape(shot);
    markVerdict(figure, shot);
    return figure;
  });
  show(at("compare"), "compare-title", [title, el("span.dim", null, names.length ? ` by ${names.join(", ")}` : "")],
    el("div.stage", { id: "stage" }, ...figures),
    el("div.steps", null,
      el("button.plain", { type: "button", id: "together", onclick: playAll }, "Play together"),
      el("span.dim.wide", null, "Space plays and pauses all · F pick · X reject · 1–5 rate, under the pointer")));
  fit();
}

// As many columns as make the pictures biggest, each in its own shape.
const CAPTION = 44;
function fit() {
  const stage = document.getElementById("stage");
  if (!stage) return;
  const figures = [...stage.children];
  const gap = 12;
  // The buttons below the narrowest picture.
  const least = Math.min(230, stage.clientWidth);
  const [width, height] = [stage.clientWidth, stage.clientHeight];
  let best = null;
  for (let columns = 1; columns <= figures.length; columns += 1) {
    const rows = Math.ceil(figures.length / columns);
    const cell = [(width - gap * (columns - 1)) / columns, height / rows - CAPTION];
    // Smaller than this it is a strip of stamps: then the stage scrolls.
    const tall = Math.max(cell[1], Math.min(140, height / 2));
    const area = figures.reduce((sum, { shape: ratio }) => {
      const wide = Math.min(cell[0], tall * ratio);
      return sum + (wide * wide) / ratio;
    }, 0);
    const scrolls = cell[1] < tall;
    const score = scrolls ? area / 4 : area;
    if (!best || score > best.score) best = { score, cell: cell[0], tall };
  }
  if (!best) return;
  const sizes = figures.map((figure) => Math.max(40, Math.min(best.cell, best.tall * figure.shape)));
  const cell = Math.min(best.cell, Math.max(least, ...sizes));
  stage.style.setProperty("--cell", `${Math.floor(cell)}px`);
  for (const [index, figure] of figures.entries()) {
    const wide = sizes[index];
    const frame = figure.querySelector(".frame");
    frame.style.width = `${Math.floor(wide)}px`;
    frame.style.height = `${Math.floor(wide / figure.shape)}px`;
  }
}
addEventListener("resize", fit);

const compared = () => [...at("compare").querySelectorAll("video")];

function playAll() {
  const all = compared();
  const on = all.every((film) => film.paused);
  for (const film of all) {
    if (on) {
      film.currentTime = 0;
      film.play().catch(() => { /* not a film the browser knows */ });
    } else {
      film.pause();
    }
  }
  at("together").textContent = on ? "Pause" : "Play together";
}

at("compare").addEventListener("keydown", (event) => {
  if (event.key !== " " || event.target.closest("button")) return;
  event.preventDefault();
  playAll();
});
at("compare").addEventListener("close", () => at("compare").replaceChildren());

// Versions of one idea side by side, played together; and the favourites as a list for the command
// line.

function compare(title, keys) {
  const list = keys.map((key) => shots.get(key)).filter(Boolean);
  const names = [...new Set(list.flatMap((shot) => variant(shot).map(([name]) => name)))];
  const columns = list.map((shot) => el("figure", { "data-key": shot.key },
    clip(shot)
      ? el("video", { src: clip(shot), loop: true, muted: true, playsInline: true, preload: "auto", onclick: toggle })
      : noFilm(shot),
    el("figcaption", null,
      el("b", null, variant(shot).map(([name, value]) => (name === "take" ? `take ${value}` : value)).join(" · ") || shot.key),
      el("span.dim", null, `${shot.key} · ${dollars(shot.price)}`),
      ...odd(shot).map((text) => el("span.odd", null, `⚠ ${text}`)),
      starButton(shot.key))));
  const table = el("div.columns", null, ...columns);
  const wide = list.map(form).filter(Boolean).sort((a, b) => a - b);
  table.style.setProperty("--ratio", wide[Math.floor(wide.length / 2)] || 16 / 9);
  show(at("compare"), "compare-title", [title, el("span.dim", null, names.length ? ` by ${names.join(", ")}` : "")],
    table,
    el("div.steps", null,
      el("button.plain", { type: "button", id: "together", onclick: toggle }, "Play together"),
      el("span.dim", null, "Space plays and pauses all")));
}

const compared = () => [...at("compare").querySelectorAll("video")];

function toggle() {
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
  toggle();
});
at("compare").addEventListener("close", () => at("compare").replaceChildren());

// Ids hold no character that means something in a pattern or a shell.
function exportChoice() {
  const ids = [...new Set([...stars].map((key) => shots.get(key)).filter(Boolean).map((shot) => shot.id))];
  if (!ids.length) {
    toast("Mark favourites with ★ first");
    return;
  }
  const only = ids.length === 1 ? ids[0] : `{${ids.join(",")}}`;
  const area = el("textarea", { readOnly: true, rows: 6, value: ids.join("\n"), "aria-label": "Ids, one a line", id: "ids" });
  const file = new Blob([`${ids.join("\n")}\n`], { type: "text/plain" });
  const save = el("a.plain", { href: URL.createObjectURL(file), download: `${head.campaign}-favourites.txt` }, "Save as a file");
  show(at("choice"), "choice-title", plural(ids.length, "favourite"),
    area,
    el("div.steps", null, el("button.plain", { type: "button", onclick: () => copy(ids.join("\n")) }, "Copy the ids"), save),
    el("p.dim", null, "For the command line:"),
    command({ line: head.only.replaceAll("{ids}", only), when: "" }));
}

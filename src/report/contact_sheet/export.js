// The picks for an editor, for other programs, and for the command line.

const FORMATS = {
  otio: ["timeline for Resolve, Premiere, Hiero, Kdenlive", "otio"], edl: ["CMX 3600 edit list", "edl"],
  concat: ["list for ffmpeg", "ffconcat"], folder: ["numbered links to the clips", null], csv: ["table", "csv"],
};

// The command that writes the picks in a format; a folder has a place of its own.
function exportLine(format) {
  const ending = FORMATS[format][1];
  const name = `${head.campaign}.${ending}`;
  const quoted = /^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
  return (head.export || "").replaceAll("{format}", format).replaceAll("{to}", ending ? ` --to ${quoted}` : "");
}

// What `review.json` holds, as this page knows it.
function reviewFile() {
  const said = [...verdicts].map(([clip, { pick, rating, rejected, note, at: when }]) => {
    const cut = clip.lastIndexOf("~r");
    return { id: clip.slice(0, cut), revision: Number(clip.slice(cut + 2)), pick, rating, rejected, note, at: when };
  });
  const lines = said.map((one) => JSON.stringify(one)).join(",\n");
  return `{"rushes_review":1,"campaign":${JSON.stringify(head.campaign)},"shots":[\n${lines}\n]}\n`;
}

const download = (name, text, type, words) => el("a.plain", {
  href: URL.createObjectURL(new Blob([text], { type })), download: name }, words);

// Ids hold no character that means something in a pattern or a shell.
function exportChoice() {
  const chosenShots = picks();
  if (!chosenShots.length) {
    toast("Pick clips with ★ or F first");
    return;
  }
  const names = chosenShots.map((shot) => shot.key);
  const area = el("textarea", { readOnly: true, rows: Math.min(8, names.length + 1), value: names.join("\n"), "aria-label": "Ids, one a line", id: "ids" });
  const total = chosenShots.reduce((sum, shot) => sum + Number(shot.price || 0), 0);
  const length = chosenShots.flatMap((shot) => (shot.files || []).slice(0, 1)).reduce((sum, file) => sum + Number(file.seconds || 0), 0);
  const said = [length ? `${length.toFixed(1)} s` : null, `${roughly(total)} paid`].filter(Boolean).join(" · ");
  const line = el("div", { id: "export-line" });
  const pick = el("select", { id: "format", "aria-label": "Format" });
  options(pick, Object.entries(FORMATS).map(([name, [what]]) => [name, `${name}: ${what}`]), "otio");
  const write = () => line.replaceChildren(command({ line: exportLine(pick.value), when: "" }));
  pick.addEventListener("change", write);
  write();
  const file = `${head.campaign}-review.json`;
  show(at("choice"), "choice-title", plural(chosenShots.length, "pick"),
    el("p.dim", null, said),
    saves()
      ? el("p", null, "Kept in ", el("code", null, head.review.file), ". For an editor:")
      : el("p", null, "Kept in this browser only. ", download(file, reviewFile(), "application/json", "Save the picks"),
        " as ", el("code", null, head.review ? head.review.file : file), ", then for an editor:"),
    el("div.steps", null, el("label.pick", null, el("span", null, "Format"), pick)),
    line,
    saves() || !head.serve ? null : el("p.dim", null, "Or pick where they are kept in the campaign folder:"),
    saves() || !head.serve ? null : command({ line: head.serve, when: "" }),
    el("details", null, el("summary", null, "As a list of ids"), area,
      el("div.steps", null,
        el("button.plain", { type: "button", onclick: () => copy(names.join("\n")) }, "Copy the ids"),
        download(`${head.campaign}-picks.txt`, `${names.join("\n")}\n`, "text/plain", "Save as a file"))));
}

// A shot once more, or with another text: the lines to put into the manifest. The page buys nothing.

// A text that stands plain in YAML; all others are quoted as JSON, which YAML reads.
const PLAIN = /^[A-Za-z][\w.-]*$/;
const WORDS = /^(true|false|yes|no|on|off|null|y|n)$/i;
const yaml = (value) => (typeof value === "string" && PLAIN.test(value) && !WORDS.test(value)
  ? value : JSON.stringify(value));
// What this page shows of a longer value.
const isCut = (value) => (typeof value === "string" ? /… \(\d+ characters\)$/.test(value)
  : value !== null && typeof value === "object" && Object.values(value).some(isCut));

// The first free id of that stem.
function freeId(id) {
  const taken = new Set([...shots.values()].map((shot) => shot.id.toLowerCase()));
  const stem = `${[...id].slice(0, 120).join("")}-again`;
  for (let number = 1; ; number += 1) {
    const wanted = number === 1 ? stem : `${stem}${number}`;
    if (!taken.has(wanted.toLowerCase())) return wanted;
  }
}

// An entry that asks for what the shot asked for, with this prompt.
function entryOf(shot, id, prompt) {
  const known = head.params ? new Set(head.params) : null;
  const lines = [`  - id: ${yaml(id)}`, `    model: ${yaml(shot.model)}`];
  if (prompt) lines.push(`    prompt: ${JSON.stringify(prompt)}`);
  const extra = {};
  for (const [name, value] of Object.entries(shot.params || {})) {
    if (isCut(value)) lines.push(`    # ${name}: as it stands in the manifest`);
    else if (known && !known.has(name)) extra[name] = value;
    else lines.push(`    ${name}: ${yaml(value)}`);
  }
  if (Object.keys(extra).length) lines.push(`    extra: ${JSON.stringify(extra)}`);
  if (shot.tags && shot.tags.length) lines.push(`    tags: ${JSON.stringify(shot.tags)}`);
  return lines.join("\n");
}

// One more take of the whole entry: its own lines, changed.
function moreTakes(shot) {
  const siblings = current().filter((one) => one.entry === shot.entry);
  const takes = siblings.map((one) => Number((one.variant || {}).take)).filter((take) => take > 0);
  const others = new Set(siblings.map((one) => JSON.stringify(variant(one).filter(([name]) => name !== "take")))).size;
  const next = Math.max(1, ...takes) + 1;
  return { line: `    takes: ${next}`, buys: others };
}

function openAgain(key) {
  const shot = shots.get(key);
  if (!shot) return;
  if (at("detail").open) at("detail").close();
  if (at("compare").open) at("compare").close();
  const prompt = el("textarea", { rows: 5, value: shot.prompt, "aria-label": "Prompt", id: "again-prompt" });
  const lines = el("textarea.lines", { readOnly: true, rows: 9, id: "again-lines", "aria-label": "Lines for the manifest" });
  const says = el("p.dim", null);
  const write = () => {
    lines.value = entryOf(shot, freeId(shot.id), prompt.value.trim());
    lines.rows = Math.min(14, lines.value.split("\n").length + 1);
    says.textContent = prompt.value.trim() === shot.prompt
      ? "The same request under a new name: another clip of it."
      : "An edited request under a new name: this clip stays as it is.";
  };
  prompt.addEventListener("input", write);
  write();
  const { line, buys } = moreTakes(shot);
  show(at("choice"), "choice-title", `${key}: again, or edited`,
    el("label", null, el("span.dim", null, "Prompt"), prompt), says,
    el("p", null, "Under ", el("code", null, "shots:"), " in the manifest:"), lines,
    el("div.steps", null, el("button.plain", { type: "button", onclick: () => copy(lines.value) }, "Copy the lines"),
      el("span.dim", null, `costs about ${dollars(shot.price)}`)),
    el("h3", null, "Or in the entry itself"),
    el("p.dim", null, `One more take of ${shot.entry || shot.id}, ${plural(buys, "new clip")}:`),
    command({ line, when: "" }),
    el("p.dim", null, `Edit its prompt there, and the next run buys it anew as another revision; this clip stays, beside the new one${buys > 1 ? `. That is ${plural(buys, "shot")}` : ""}.`),
    head.plan ? el("p.dim", null, "What it comes to, before anything is bought:") : null,
    head.plan ? command({ line: head.plan, when: "" }) : null);
}

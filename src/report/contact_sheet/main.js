// Puts the page together.

function drawChoices() {
  const counts = new Map();
  for (const shot of chosen({ exceptStates: true })) counts.set(shot.state, (counts.get(shot.state) || 0) + 1);
  const present = Object.keys(STATES).filter((state) => [...shots.values()].some((shot) => shot.state === state));
  at("states").replaceChildren(...present.map((state) => el(`button.chip.is-${state}`, {
    type: "button", "aria-pressed": String(choice.states.has(state)), "data-state": state,
    onclick: () => {
      if (!choice.states.delete(state)) choice.states.add(state);
      changed();
      at("states").querySelector(`[data-state=${state}]`).focus();
    },
  }, sign(state), ` ${word(state)} `, el("b", null, (counts.get(state) || 0).toLocaleString("en")))));
  const of = (values) => [...new Set(values)].sort().map((value) => [value, value]);
  const models = of([...shots.values()].map((shot) => shot.model));
  const tags = of([...shots.values()].flatMap((shot) => shot.tags || []));
  options(at("model"), [["", "all models"], ...models], choice.model);
  options(at("tag"), [["", "all tags"], ...tags], choice.tag);
  at("model").parentElement.hidden = models.length < 2;
  at("tag").parentElement.hidden = !tags.length;
  options(at("sort"), Object.entries(SORTS).map(([name, [text]]) => [name, text]), choice.sort);
  options(at("group"), Object.entries(GROUPS).filter(([name]) => name !== "tag" || tags.length), choice.group);
  drawStars();
}

function changed() {
  writeChoice();
  drawChoices();
  draw();
}

function clearChoice() {
  Object.assign(choice, { find: "", states: new Set(), model: "", tag: "", stars: false });
  at("find").value = "";
  changed();
}

// The form that most shots have is the form of every picture.
function settleForm() {
  const found = collect([...shots.values()].filter(form), (shot) => [form(shot).toFixed(2)]);
  const usual = [...found].sort((a, b) => b[1].length - a[1].length)[0];
  document.documentElement.style.setProperty("--ratio", usual ? usual[0] : 16 / 9);
  return usual ? Number(usual[0]) : 16 / 9;
}

readChoice();
at("find").value = choice.find;
at("size").value = matchMedia("(max-width: 600px)").matches ? 160 : settleForm() < 1 ? 190 : 270;
const size = () => document.documentElement.style.setProperty("--size", `${at("size").value}px`);
size();
settleForm();

let typing = 0;
at("find").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { choice.find = at("find").value; changed(); }, 120);
});
for (const name of ["model", "tag", "sort", "group"]) {
  at(name).addEventListener("change", () => { choice[name] = at(name).value; changed(); });
}
at("size").addEventListener("input", size);
at("stars").addEventListener("click", () => { choice.stars = !choice.stars; changed(); });
at("export").addEventListener("click", exportChoice);
addEventListener("hashchange", () => { readChoice(); at("find").value = choice.find; drawChoices(); draw(); });
document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "/") {
    event.preventDefault();
    at("find").focus();
  } else if (event.key === "f") {
    const key = shown || event.target.closest(".card")?.dataset.key;
    if (!key) return;
    toggleStar(key);
    const button = at("detail").querySelector(".steps .chip");
    if (button) button.setAttribute("aria-pressed", String(stars.has(key)));
  }
});
// Asked anew after each piece, because one piece may not reach beyond the window.
const end = new IntersectionObserver((entries) => {
  if (!entries.some((entry) => entry.isIntersecting) || !pending.length) return;
  drawMore();
  end.unobserve(at("more"));
  end.observe(at("more"));
}, { rootMargin: "1200px 0px" });
end.observe(at("more"));

drawTop();
drawChoices();
draw();
follow();

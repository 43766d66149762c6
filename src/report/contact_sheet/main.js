// Puts the page together.

function drawChoices() {
  const counts = new Map();
  for (const shot of chosen({ exceptStates: true })) if (!shot.old) counts.set(shot.state, (counts.get(shot.state) || 0) + 1);
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
  options(at("decided"), [["", "all clips"], ...Object.entries(DECIDED).map(([name, [text]]) => [name, text])], choice.decided);
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
  Object.assign(choice, { find: "", states: new Set(), model: "", tag: "", decided: "" });
  at("find").value = "";
  changed();
}

// The form that most shots have: of those without one, and what the size goes by.
function settleForm() {
  const found = collect([...shots.values()].filter(form), (shot) => [form(shot).toFixed(2)]);
  const usual = [...found].sort((a, b) => b[1].length - a[1].length);
  usualForm = usual.length ? Number(usual[0][0]) : 16 / 9;
  document.documentElement.style.setProperty("--ratio", String(usualForm));
  return Math.min(...usual.filter(([, list]) => list.length * 20 >= shots.size).map(([ratio]) => Number(ratio)), usualForm);
}

// The slider sets how big a picture of the usual form is: the side of a square as big. All pictures of a row
// are as tall as each other; the narrowest must still take a line of text.
const MIN_WIDTH = 92;
let tall = 180;
function size() {
  const narrowest = settleForm();
  tall = Math.max(Number(at("size").value) / Math.sqrt(usualForm), MIN_WIDTH / narrowest);
  document.documentElement.style.setProperty("--tall", `${Math.round(tall)}px`);
}

readChoice();
at("find").value = choice.find;
at("size").value = matchMedia("(max-width: 600px)").matches ? 130 : 240;
size();

let typing = 0;
at("find").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { choice.find = at("find").value; changed(); }, 120);
});
for (const name of ["model", "tag", "sort", "group", "decided"]) {
  at(name).addEventListener("change", () => { choice[name] = at(name).value; changed(); });
}
at("size").addEventListener("input", size);
at("stars").addEventListener("click", () => { choice.decided = choice.decided === "picked" ? "" : "picked"; changed(); });
at("export").addEventListener("click", exportChoice);
at("help").addEventListener("click", showKeys);
at("scene").addEventListener("change", () => { if (at("scene").value) goTo(at("scene").value); at("scene").value = ""; });
at("unfold").addEventListener("click", () => {
  const open = document.body.classList.toggle("unfolded");
  at("unfold").setAttribute("aria-expanded", String(open));
});
addEventListener("hashchange", () => { readChoice(); at("find").value = choice.find; drawChoices(); draw(); });
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

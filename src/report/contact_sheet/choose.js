// Which shots are shown, in which order, and what stands side by side. The choice is kept in the
// address behind `#`, so that it survives a reload and can be sent to somebody.

const SORTS = {
  manifest: ["As in the manifest", () => 0],
  newest: ["Newest first", (a, b) => (b.delivered || b.submitted || 0) - (a.delivered || a.submitted || 0)],
  name: ["Name", (a, b) => a.key.localeCompare(b.key, undefined, { numeric: true })],
  price: ["Dearest first", (a, b) => Number(b.price || 0) - Number(a.price || 0)],
  took: ["Slowest first", (a, b) => (took(b) || 0) - (took(a) || 0)],
  state: ["State", (a, b) => Object.keys(STATES).indexOf(a.state) - Object.keys(STATES).indexOf(b.state)],
};
const GROUPS = {
  together: "Takes and variants",
  none: "Nothing",
  state: "State",
  model: "Model",
  tag: "Tag",
};

const choice = { find: "", states: new Set(), model: "", tag: "", sort: "manifest", group: "together", stars: false };

function readChoice() {
  const said = new URLSearchParams(location.hash.slice(1));
  choice.find = said.get("find") || "";
  choice.states = new Set((said.get("state") || "").split(",").filter((state) => state in STATES));
  choice.model = said.get("model") || "";
  choice.tag = said.get("tag") || "";
  choice.sort = said.get("sort") in SORTS ? said.get("sort") : "manifest";
  choice.group = said.get("group") in GROUPS ? said.get("group") : "together";
  choice.stars = said.has("favourites");
}

function writeChoice() {
  const said = new URLSearchParams();
  if (choice.find) said.set("find", choice.find);
  if (choice.states.size) said.set("state", [...choice.states].join(","));
  if (choice.model) said.set("model", choice.model);
  if (choice.tag) said.set("tag", choice.tag);
  if (choice.sort !== "manifest") said.set("sort", choice.sort);
  if (choice.group !== "together") said.set("group", choice.group);
  if (choice.stars) said.set("favourites", "");
  history.replaceState(null, "", said.size ? `#${said}` : location.pathname + location.search);
}

const searchable = (shot) => [shot.key, shot.prompt, shot.reason, shot.task, shot.model,
  ...(shot.tags || []), ...variant(shot).map(([name, value]) => `${name}=${value}`), ...odd(shot)]
  .filter(Boolean).join("\n").toLowerCase();

// Every word must be somewhere.
function chosen({ exceptStates } = {}) {
  const words = choice.find.toLowerCase().split(/\s+/).filter(Boolean);
  return [...shots.values()].filter((shot) =>
    (exceptStates || !choice.states.size || choice.states.has(shot.state))
    && (!choice.model || shot.model === choice.model)
    && (!choice.tag || (shot.tags || []).includes(choice.tag))
    && (!choice.stars || stars.has(shot.key))
    && (!words.length || words.every((said) => searchable(shot).includes(said))));
}

// More siblings than this are rows of a table, not takes of one idea.
const MAX_SIDE_BY_SIDE = 24;

// Names what a shot is one version of.
function families() {
  const sizes = new Map();
  for (const { entry } of shots.values()) sizes.set(entry, (sizes.get(entry) || 0) + 1);
  return (shot) => {
    if (!shot.entry) return shot.id;
    if (sizes.get(shot.entry) <= MAX_SIDE_BY_SIDE) return shot.entry;
    const others = variant(shot).filter(([name]) => name !== "take").map(([, value]) => value);
    return [shot.entry, ...others].join(" · ");
  };
}

// [{title, shots, together}] – together: versions of one idea, worth comparing.
function groups(list) {
  list.sort(SORTS[choice.sort][1]);
  if (choice.group === "none") return [{ title: null, shots: list }];
  if (choice.group === "together") {
    const family = families();
    const found = collect(list, (shot) => [family(shot)]);
    const sets = [];
    for (const [title, members] of found) {
      if (members.length > 1) sets.push({ title, shots: members, together: true });
      else if (sets.length && !sets[sets.length - 1].together) sets[sets.length - 1].shots.push(...members);
      else sets.push({ title: null, shots: members });
    }
    return sets;
  }
  const name = { state: (shot) => [word(shot.state)], model: (shot) => [shot.model],
    tag: (shot) => (shot.tags && shot.tags.length ? shot.tags : ["without a tag"]) }[choice.group];
  return [...collect(list, name)].map(([title, members]) => ({ title, shots: members }));
}

function collect(list, names) {
  const found = new Map();
  for (const shot of list) {
    for (const name of names(shot)) {
      if (!found.has(name)) found.set(name, []);
      found.get(name).push(shot);
    }
  }
  return found;
}

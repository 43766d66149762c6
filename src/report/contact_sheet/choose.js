// Which shots are shown, in which order, and what stands side by side. The choice is kept in the
// address behind `#`, so that it survives a reload and can be sent to others.

const natural = (a, b) => a.key.localeCompare(b.key, undefined, { numeric: true });
const SORTS = {
  manifest: ["As in the manifest", () => 0],
  newest: ["Newest first", (a, b) => (b.delivered || b.submitted || 0) - (a.delivered || a.submitted || 0)],
  name: ["Name", natural],
  rating: ["Best rated first", (a, b) => verdict(b).rating - verdict(a).rating || verdict(b).pick - verdict(a).pick],
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
const DECIDED = {
  picked: ["★ Picked", (said) => said.pick],
  open: ["Undecided", (said) => !said.pick && !said.rejected],
  kept: ["All but ⊘ rejected", (said) => !said.rejected],
  rejected: ["⊘ Rejected", (said) => said.rejected],
  rated: ["Rated 3 or more", (said) => said.rating >= 3],
  noted: ["✎ With a note", (said) => Boolean(said.note)],
};

const choice = { find: "", states: new Set(), model: "", tag: "", sort: "manifest", group: "together", decided: "" };

function readChoice() {
  const said = new URLSearchParams(location.hash.slice(1));
  choice.find = said.get("find") || "";
  choice.states = new Set((said.get("state") || "").split(",").filter((state) => state in STATES));
  choice.model = said.get("model") || "";
  choice.tag = said.get("tag") || "";
  choice.sort = said.get("sort") in SORTS ? said.get("sort") : "manifest";
  choice.group = said.get("group") in GROUPS ? said.get("group") : "together";
  choice.decided = said.get("show") in DECIDED ? said.get("show") : said.has("favourites") ? "picked" : "";
}

function writeChoice() {
  const said = new URLSearchParams();
  if (choice.find) said.set("find", choice.find);
  if (choice.states.size) said.set("state", [...choice.states].join(","));
  if (choice.model) said.set("model", choice.model);
  if (choice.tag) said.set("tag", choice.tag);
  if (choice.sort !== "manifest") said.set("sort", choice.sort);
  if (choice.group !== "together") said.set("group", choice.group);
  if (choice.decided) said.set("show", choice.decided);
  history.replaceState(null, "", said.size ? `#${said}` : location.pathname + location.search);
}

const searchable = (shot) => [shot.key, shot.prompt, shot.reason, shot.task, shot.model, verdict(shot).note,
  ...(shot.tags || []), ...variant(shot).map(([name, value]) => `${name}=${value}`), ...odd(shot)]
  .filter(Boolean).join("\n").toLowerCase();

// Every word must be somewhere.
function chosen({ exceptStates } = {}) {
  const words = choice.find.toLowerCase().split(/\s+/).filter(Boolean);
  const decided = choice.decided ? DECIDED[choice.decided][1] : null;
  return [...shots.values()].filter((shot) =>
    (exceptStates || !choice.states.size || choice.states.has(shot.state))
    && (!choice.model || shot.model === choice.model)
    && (!choice.tag || (shot.tags || []).includes(choice.tag))
    && (!decided || decided(verdict(shot)))
    && (!words.length || words.every((said) => searchable(shot).includes(said))));
}

// More siblings than this are rows of a table, not takes of one idea.
const MAX_SIDE_BY_SIDE = 24;

// Says what a shot is one version of: the entry, and the values that make a group below it.
function families() {
  const sizes = new Map();
  for (const { entry, old } of shots.values()) if (!old) sizes.set(entry, (sizes.get(entry) || 0) + 1);
  return (shot) => {
    if (!shot.entry) return shot.id;
    if ((sizes.get(shot.entry) || 0) <= MAX_SIDE_BY_SIDE) return shot.entry;
    const others = variant(shot).filter(([name]) => name !== "take").map(([, value]) => value);
    return [shot.entry, ...others].join("\0");
  };
}

// Earlier texts stand right behind the shot as it is now; those of shots that left the manifest stay last.
function withEarlier(list) {
  const now = new Set(list.filter((shot) => !shot.old).map((shot) => shot.id));
  const earlier = collect(list.filter((shot) => shot.old && now.has(shot.id)), (shot) => [shot.id]);
  return list.flatMap((shot) => {
    if (shot.old) return now.has(shot.id) ? [] : [shot];
    return [shot, ...(earlier.get(shot.id) || []).sort((a, b) => b.revision - a.revision)];
  });
}

// [{title, shots, together}] – together: versions of one idea, worth comparing.
function groups(list) {
  const sorted = [...list].sort(SORTS[choice.sort][1]);
  if (choice.group === "none") return sorted.map((shot) => ({ title: shot.key, shots: [shot] }));
  if (choice.group === "together") {
    const family = families();
    const ordered = choice.sort === "manifest" ? withEarlier(sorted) : sorted;
    return [...collect(ordered, (shot) => [family(shot)])]
      .map(([key, members]) => ({ title: key.split("\0").map(lastPart).join(" · "), shots: members, together: members.length > 1 }));
  }
  const name = { state: (shot) => [word(shot.state)], model: (shot) => [shot.model],
    tag: (shot) => (shot.tags && shot.tags.length ? shot.tags : ["without a tag"]) }[choice.group];
  return [...collect(sorted, name)].map(([title, members]) => ({ title, shots: members, wide: true }));
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

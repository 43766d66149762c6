// A server that serves this page tells what changes; without one, nothing here does anything.

let run = null;
// Whether the server answers. Only of a page that has no run to tell of it.
let isAway = false;

function follow() {
  if (!head.live) return;
  const events = new EventSource("events");
  events.addEventListener("open", () => {
    isAway = false;
    drawControls();
  });
  events.addEventListener("head", (event) => {
    Object.assign(head, JSON.parse(event.data));
    soon();
  });
  // Everything comes between two of these, also to a page that was away meanwhile.
  let fresh = null;
  events.addEventListener("all", (event) => {
    if (JSON.parse(event.data) === "begin") {
      fresh = new Set();
      return;
    }
    for (const key of [...shots.keys()].filter((key) => !fresh.has(key))) stale = shots.delete(key);
    fresh = null;
    soon();
  });
  events.addEventListener("shots", (event) => {
    for (const shot of JSON.parse(event.data)) {
      if (fresh) fresh.add(shot.key);
      const isNew = !shots.has(shot.key);
      const before = JSON.stringify(shots.get(shot.key));
      if (before === JSON.stringify(shot)) continue;
      shots.set(shot.key, shot);
      if (isNew || belongs(shot) !== cards.has(shot.key)) stale = true;
      else redraw(shot);
      if (shown === shot.key && !at("detail").querySelector("video")) openDetail(shot.key);
    }
    soon();
  });
  // Older and removed revisions are no longer shown once they are done.
  events.addEventListener("gone", (event) => {
    for (const key of JSON.parse(event.data)) stale = shots.delete(key) || stale;
    soon();
  });
  events.addEventListener("review", (event) => hear(JSON.parse(event.data)));
  events.addEventListener("run", (event) => {
    run = JSON.parse(event.data);
    drawControls();
    if (run.state === "ended") events.close();
  });
  events.onerror = () => {
    if (run && run.state === "ended") return;
    isAway = true;
    if (run) run = { ...run, state: "away" };
    drawControls();
  };
}

// Whether a card of it may stand in the grid; those not made yet do not count as missing.
const belongs = (shot) => chosen().includes(shot) && !pending.some((piece) => piece.shot && piece.shot.key === shot.key);

let stale = false;
let timer = 0;
function soon() {
  if (timer) return;
  timer = setTimeout(() => {
    timer = 0;
    drawTop();
    drawChoices();
    // A grid that changes under a pointer is worse than one that is late.
    if (stale && !document.querySelector("dialog[open]")) {
      stale = false;
      draw();
    }
  }, 250);
}

// What could not be drawn below an open dialog is drawn once that is closed.
for (const id of ["detail", "compare", "choice"]) at(id).addEventListener("close", () => { if (stale) soon(); });

const RUNS = {
  running: "Rendering", paused: "Paused", stopping: "Stopping: what is on its way is finished",
  ended: "The run has ended",
  away: "No connection. If the run has ended, this page no longer learns of it; trying again",
  gone: "No connection: nothing is kept now; trying again",
};

function drawControls() {
  const box = at("controls");
  const state = run ? run.state : isAway ? "gone" : null;
  box.hidden = !state;
  drawKind();
  if (!state) return;
  const button = (what, text, title) => el("button.plain", { type: "button", title, onclick: () => tell(what) }, text);
  const can = {
    running: [button("pause", "Pause", "Nothing more is submitted until you resume"), button("stop", "Stop", "Like Ctrl-C: nothing more is submitted, and the run ends")],
    paused: [button("resume", "Resume", "Goes on submitting"), button("stop", "Stop", "Like Ctrl-C: the run ends")],
  }[state] || [];
  box.className = `run run-${state}`;
  const why = run && run.why ? `: ${run.why}` : "";
  const pace = { running: () => `${run.in_flight} in flight, at most ${run.rate}`, paused: () => `${run.in_flight} in flight` }[state];
  box.replaceChildren(
    el("div.controls", null, el("span.lamp", { role: "status" }, RUNS[state] || state, why),
      el("span.dim", null, pace ? pace() : ""), ...can),
    ...(state === "ended" || state === "away" ? afterwards() : []));
}

// Where its clips are to be seen once nothing serves them any more. A browser opens no file from here, so
// its place is there to be copied.
function afterwards() {
  const lines = [];
  if (head.sheet && head.sheet.startsWith("http")) {
    lines.push(el("p", null, el("a", { href: head.sheet }, "The contact sheet")));
  } else if (head.sheet) {
    lines.push(el("p.dim", null, "The contact sheet, to open in a browser:"), command({ line: head.sheet, when: "" }));
  }
  if (head.serve) lines.push(el("p.dim", null, "Or to look at the clips and pick, kept beside the ledger:"), command({ line: head.serve, when: "" }));
  return lines;
}

async function tell(what) {
  if (what === "stop" && !confirm("Stop the run? Nothing more is submitted; the same command goes on later.")) return;
  try {
    const answer = await fetch(what, { method: "POST", headers: { "X-Rushes": "1" } });
    if (!answer.ok) toast(`The run answered ${answer.status}`);
  } catch {
    toast("The run cannot be reached");
  }
}

// How long the run that serves this page has lasted, and about when it ends: drawn anew every second.

const lasts = el("p.dim", { id: "lasts", hidden: true });
at("controls").after(lasts);
let began = null;

function drawTime() {
  // The last reading of a run that has ended no longer says it.
  began = head.since || began;
  if (!head.live || !began || !run) return;
  const passed = span(Date.now() - began);
  lasts.hidden = false;
  if (run.state === "ended") {
    lasts.textContent = `It lasted ${passed}`;
    clearInterval(drawingTime);
    return;
  }
  const ends = head.ends && run.state === "running"
    ? `ends about ${clock(Math.max(Date.now(), head.ends.at))}${head.ends.is_guess ? " (estimate)" : ""}` : null;
  lasts.textContent = [`Running for ${passed}`, ends].filter(Boolean).join(" · ");
}

const drawingTime = setInterval(drawTime, 1000);

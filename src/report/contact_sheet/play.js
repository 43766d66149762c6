// Films. Only those near the window are loaded, a few at a time; only one plays. The browser shows
// a film's first picture as its poster, so nothing else has to decode it.

const MAX_LOADING = 4;
const waiting = new Set();
let loading = 0;
let playing = null;

const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const film = target.querySelector("video");
    if (!film) continue;
    if (isIntersecting) {
      waiting.add(film);
    } else {
      waiting.delete(film);
      unload(film);
    }
  }
  loadNext();
}, { rootMargin: "400px 0px" });

function watch(card, shot) {
  const source = clip(shot);
  if (!source) return;
  const film = card.querySelector("video");
  film.dataset.source = source;
  near.observe(card);
  const media = card.querySelector(".media");
  media.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") play(film); });
  media.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") pause(film); });
  media.addEventListener("focus", () => { if (media.matches(":focus-visible")) play(film); });
  media.addEventListener("blur", () => pause(film));
  film.addEventListener("timeupdate", () => {
    media.style.setProperty("--played", film.duration ? film.currentTime / film.duration : 0);
  });
}

function loadNext() {
  for (const film of waiting) {
    if (loading >= MAX_LOADING) return;
    waiting.delete(film);
    load(film);
  }
}

function load(film) {
  if (film.getAttribute("src")) return;
  loading += 1;
  const done = (event) => {
    film.removeEventListener("loadeddata", done);
    film.removeEventListener("error", done);
    film.removeEventListener("emptied", done);
    film.closest(".media")?.classList.toggle("unreadable", event.type === "error");
    loading -= 1;
    loadNext();
  };
  film.addEventListener("loadeddata", done);
  film.addEventListener("error", done);
  film.preload = "metadata";
  // Not the very first picture, which is often black.
  film.src = `${film.dataset.source}#t=0.1`;
  film.addEventListener("emptied", done);
}

function unload(film) {
  if (!film.getAttribute("src") || film === playing) return;
  film.removeAttribute("src");
  film.preload = "none";
  film.load();
}

function play(film) {
  if (playing && playing !== film) pause(playing);
  playing = film;
  waiting.delete(film);
  load(film);
  film.closest(".media").classList.add("playing");
  film.play().catch(() => { /* interrupted, or not a film the browser knows */ });
}

function pause(film) {
  film.pause();
  film.closest(".media")?.classList.remove("playing");
  if (playing === film) playing = null;
}

// A finger plays and pauses; a second tap on what plays opens everything. A mouse opens it.
function touched(event, key) {
  const film = event.currentTarget.querySelector("video");
  if (event.pointerType === "touch" && film && playing !== film) play(film);
  else openDetail(key);
}

function forget(card) {
  near.unobserve(card);
  const film = card.querySelector("video");
  if (!film) return;
  waiting.delete(film);
  if (playing === film) pause(film);
  unload(film);
}

function rest() {
  for (const card of document.querySelectorAll(".card")) forget(card);
}

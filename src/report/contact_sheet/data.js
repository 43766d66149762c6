// What the page knows: the campaign, its shots by key in manifest order, and words for both.

const head = JSON.parse(document.getElementById("head-data").textContent);
const told = JSON.parse(document.getElementById("shots-data").textContent);
const shots = new Map(told.shots.map((shot) => [shot.key, shot]));
// The shots as they are now, without earlier texts.
const current = () => [...shots.values()].filter((shot) => !shot.old);
// Shots that a page of its own size leaves out.
const leftOut = told.left_out;

// In the order in which people look at them in the morning.
const STATES = {
  delivered: { word: "delivered", mark: "✓" },
  rendered: { word: "to be fetched", mark: "↓" },
  rendering: { word: "rendering", mark: "◐" },
  submitting: { word: "submitting", mark: "↑" },
  queued: { word: "queued", mark: "·" },
  stalled: { word: "stalled", mark: "‖" },
  in_doubt: { word: "in doubt", mark: "?" },
  failed: { word: "failed", mark: "✕" },
};

const NEEDS = {
  doubt: "in doubt: may have been bought",
  retry: "failed",
  edit: "refused for what they ask for: to be edited in the manifest",
  stalled: "stalled: bought and still not done",
  fetch: "paid and not fetched yet",
  expired: "paid, but the gateway no longer has the clip",
  send: "not bought yet; the last try was refused",
};

const word = (state) => (STATES[state] || { word: String(state) }).word;
const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const dollars = (amount) => (amount === null || amount === undefined ? "unknown" : `$${amount}`);
// For sums beside pictures, where four decimals are noise.
const roughly = (amount) => `$${Number(amount).toFixed(2)}`;

function span(millis) {
  const secs = Math.max(0, Math.round(millis / 1000));
  const [hours, minutes] = [Math.floor(secs / 3600), Math.floor(secs / 60) % 60];
  if (secs < 60) return `${secs}s`;
  if (hours === 0) return secs % 60 ? `${minutes}m ${secs % 60}s` : `${minutes}m`;
  return minutes ? `${hours}h ${minutes}m` : `${hours}h`;
}

function bytes(count) {
  if (count < 1e6) return `${Math.max(1, Math.round(count / 1e3))} kB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
}

const moment = (millis) =>
  new Date(millis).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
const day = (millis) =>
  new Date(millis).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = (millis) =>
  new Date(millis).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });

const took = (shot) => (shot.completed && shot.submitted ? shot.completed - shot.submitted : null);
const variant = (shot) => Object.entries(shot.variant || {});
const odd = (shot) => (shot.mismatch || []).concat(shot.charged ? [`charged ${shot.charged}`] : []);

// What tells a shot from its siblings, in words: `take 2 · dawn`.
const label = (shot) => variant(shot)
  .map(([name, value]) => (name === "take" ? `take ${value}` : lastPart(String(value)))).join(" · ");

// A file and an address by their last part, any other text as it is.
function lastPart(value) {
  const parts = value.replace(/^\w+:\/\/([^?#]*).*$/, "$1").split(/[/\\]/);
  const last = parts.pop();
  return parts.length && /.\.[a-z0-9]{2,5}$/i.test(last) ? last : value;
}

// The shot's form as `width / height`: its clip's own, or what was asked for.
function form(shot) {
  const film = (shot.files || []).find((file) => file.width && file.height);
  if (film) return film.width / film.height;
  const [width, height] = String((shot.params || {}).aspect_ratio || "").split(":").map(Number);
  return width > 0 && height > 0 ? width / height : null;
}

// A path with characters that mean something else in a URL made harmless.
const link = (path) => path.split("/").map(encodeURIComponent).join("/");
// Where a clip is to be had: beside the page, unless it has a link of its own.
const place = (file) => file.link || link(file.path);
const clip = (shot) => (shot.files && shot.files.length ? place(shot.files[0]) : null);

function commands(shot) {
  const help = (head.commands || {})[shot.need] || [];
  return help.map(({ line, when }) => ({ line: line.replaceAll("{shot}", shot.key), when }));
}

// The top of the page: what there is, what it cost, what needs a look.

function drawTop() {
  document.title = `${head.campaign} – rushes`;
  at("campaign").textContent = head.campaign;
  drawKind();
  drawSum();
  drawMoney();
  drawNeeds();
}

const drawKind = () => {
  const count = current().length;
  at("kind").textContent = [plural(count, "shot"), kind(), head.at ? day(head.at) : null,
    head.simulated ? "simulator, nothing was really paid" : null].filter(Boolean).join(" · ");
};

// What the page is: a run's while that goes on, a place to pick, a sheet of paper.
function kind() {
  if (run) return run.state === "ended" ? "Ended" : run.state === "away" ? "Not connected" : "Live";
  if (saves()) return head.running ? "Review, while it renders" : "Review";
  return "Contact sheet";
}

function tally() {
  const counts = new Map(Object.keys(STATES).map((state) => [state, 0]));
  for (const shot of current()) counts.set(shot.state, (counts.get(shot.state) || 0) + 1);
  return [...counts].filter(([, count]) => count);
}

function drawSum() {
  const counts = tally();
  const said = counts.map(([state, count]) => `${count} ${word(state)}`).join(", ");
  at("sum").replaceChildren(
    plural(current().length, "shot"),
    ...counts.flatMap(([state, count]) => [el(`span.tell.is-${state}`, null,
      sign(state), ` ${count.toLocaleString("en")} ${word(state)}`)]));
  at("strip").setAttribute("aria-label", said);
  at("strip").replaceChildren(...counts.map(([state, count]) => {
    const part = el(`span.is-${state}`, { title: `${count} ${word(state)}` });
    part.style.flexGrow = count;
    return part;
  }));
}

function drawMoney() {
  const { cap, spent, reserved, left, unconfirmed, strict } = head.money;
  at("spent").replaceChildren(el("b", null, roughly(spent)), cap === null ? " spent" : ` spent of ${roughly(cap)}`);
  at("spent").title = `${dollars(spent)} spent`;
  at("books").setAttribute("aria-label", "Money: where it went");
  const whole = Math.max(Number(cap || 0), Number(spent) + Number(reserved), 1e-9);
  const part = (what, amount) => {
    const node = el(`span.${what}`);
    node.style.width = `${(100 * Number(amount)) / whole}%`;
    return node;
  };
  at("purse").setAttribute("aria-label", `${dollars(spent)} spent, ${dollars(reserved)} reserved`);
  at("purse").replaceChildren(part("gone", spent), part("held", reserved));
  const funds = [];
  const fund = (amount, what, title) => funds.push(el("span", { title: title || dollars(amount) }, `${roughly(amount)} ${what}`));
  if (left === null) funds.push(el("span", null, "no cap")); else fund(left, "left");
  if (Number(reserved)) fund(reserved, "reserved");
  if (Number(unconfirmed)) {
    fund(unconfirmed, "unconfirmed", `${dollars(unconfirmed)}: what the gateway's 5xx answers could have cost at worst${strict ? "; it counts against the cap" : ""}`);
  }
  at("funds").replaceChildren(...funds);
  at("ledger").replaceChildren(...[chart(), shares("By model", head.models),
    shares("By tag", head.tags), strays()].filter(Boolean));
}

function shares(title, list) {
  if (!list.length) return null;
  const most = Math.max(...list.map((share) => Number(share.spent) + Number(share.reserved)), 1e-9);
  const rows = list.map((share) => {
    const bar = el("span.share");
    bar.style.width = `${(100 * (Number(share.spent) + Number(share.reserved))) / most}%`;
    return el("tr", null,
      el("th", { scope: "row" }, share.name, bar),
      el("td", null, `${share.bought.toLocaleString("en")} bought`),
      el("td", null, dollars(share.spent),
        Number(share.reserved) ? el("small", null, ` + ${dollars(share.reserved)} reserved`) : null));
  });
  return el("table.shares", null, el("caption", null, title), el("tbody", null, ...rows));
}

function strays() {
  if (!head.strays.length) return null;
  const rows = head.strays.map(({ shot, price, at: sent, why }) => el("tr", null,
    el("th", { scope: "row" }, shot), el("td", null, why || "", el("small", null, ` ${moment(sent)}`)),
    el("td", null, dollars(price))));
  return el("table.shares", null,
    el("caption", null, "Reserved for earlier requests that may have been bought"), el("tbody", null, ...rows));
}

// Spent and reserved over time, as areas on each other, with the cap as a line.
function chart() {
  const told = head.history.map(([time, spent, reserved]) => [time, Number(spent), Number(reserved)]);
  if (told.length < 2) return null;
  const [width, height, foot] = [320, 96, 14];
  const [first, last] = [told[0][0], told[told.length - 1][0]];
  const cap = head.money.cap === null ? 0 : Number(head.money.cap);
  const peak = Math.max(...told.map(([, spent, reserved]) => spent + reserved), 1e-9);
  // A cap far away would press the rest flat.
  const top = cap && cap < 3 * peak ? Math.max(cap, peak) * 1.06 : peak * 1.06;
  const x = (time) => ((time - first) / Math.max(1, last - first)) * width;
  const y = (amount) => (height - foot) * (1 - amount / top) + 2;
  const line = (amounts) => told.map(([time], index) =>
    `${index ? `H${x(time).toFixed(1)}V` : `M${x(time).toFixed(1)} `}${y(amounts[index]).toFixed(1)}`).join("");
  const area = (amounts, name) =>
    svg("path", { class: name, d: `${line(amounts)}V${y(0)}H0Z` });
  const all = told.map(([, spent, reserved]) => spent + reserved);
  const gone = told.map(([, spent]) => spent);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Spent and reserved from ${moment(first)} to ${moment(last)}` },
    area(all, "held"), area(gone, "gone"));
  if (cap && cap <= top) picture.append(svg("line", { class: "cap", x1: 0, x2: width, y1: y(cap), y2: y(cap) }));
  const label = (text, attributes) => { const node = svg("text", attributes); node.textContent = text; return node; };
  picture.append(
    label(clock(first), { x: 0, y: height }),
    label(clock(last), { x: width, y: height, "text-anchor": "end" }));
  return el("figure.chart", null, picture, el("figcaption", null,
    el("span.key.gone", null, "spent"), el("span.key.held", null, "reserved"),
    cap && cap <= top ? el("span.key.cap", null, "cap") : null));
}

// So many shots are named under one need; all of them are a filter away.
const MAX_NAMED = 12;
const opened = new Set();

function drawNeeds() {
  const found = new Map(Object.keys(NEEDS).map((need) => [need, []]));
  for (const shot of shots.values()) {
    // While a run goes on, what waits to be fetched or sent again is its business.
    const minds = head.running && (shot.need === "fetch" || shot.need === "send");
    if (shot.need && found.has(shot.need) && !minds) found.get(shot.need).push(shot);
  }
  const blocks = [...found].filter(([, list]) => list.length).map(([need, list]) => {
    const named = list.slice(0, MAX_NAMED).map((shot) => el("li", null,
      el("button.name", { type: "button", onclick: () => openDetail(shot.key) }, shot.key),
      el("span.why", null, shot.reason || "")));
    const more = list.length - named.length;
    return el(`details.need.is-${list[0].state}`, {
      open: opened.has(need),
      ontoggle: (event) => { if (event.currentTarget.open) opened.add(need); else opened.delete(need); },
    },
      el("summary", null, sign(list[0].state),
        el("b", null, list.length.toLocaleString("en")), ` ${NEEDS[need]} `,
        el("span.dim", null, list.slice(0, 3).map((shot) => shot.key).join(", "), list.length > 3 ? ", …" : "")),
      el("ul", null, ...named, more > 0 ? el("li.more", null, `and ${more.toLocaleString("en")} more`) : null),
      ...commands(list[0]).map(command));
  });
  at("needs").hidden = !blocks.length;
  const parts = [...found].filter(([, list]) => list.length);
  const count = parts.reduce((sum, [, list]) => sum + list.length, 0);
  at("needs").replaceChildren(el("details.all", {
    open: opened.has("all"),
    ontoggle: (event) => {
      if (event.target !== event.currentTarget) return;
      if (event.currentTarget.open) opened.add("all"); else opened.delete("all");
    },
  },
    el("summary", null, el("b", null, `${plural(count, "shot")} need${count === 1 ? "s" : ""} a look`),
      ...parts.map(([need, list]) => el(`span.tell.is-${list[0].state}`, null,
        sign(list[0].state), ` ${list.length.toLocaleString("en")} ${NEEDS[need].split(":")[0]}`))),
    ...blocks));
}

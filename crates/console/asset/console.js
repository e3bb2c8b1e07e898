// What the pages do beyond being read: keys, theme, live numbers, the chart, copying.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const body = document.body;
  // a browser may refuse to keep anything
  const remembered = (key) => {
    try { return localStorage.getItem(key); } catch { return null; }
  };
  const remember = (key, value) => {
    try { localStorage.setItem(key, value); } catch { return; }
  };
  for (const id of ["pause", "theme", "help"]) if ($(id)) $(id).hidden = false;

  // Theme: what the system says, or what was chosen. The cookie lets the server render it.
  const themes = ["system", "light", "dark"];
  const root = document.documentElement;
  const showTheme = () => {
    $("theme").textContent = "◐ " + root.dataset.theme;
    $("theme").setAttribute("aria-label", "Theme: " + root.dataset.theme);
  };
  const nextTheme = () => {
    const next = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
    root.dataset.theme = next;
    document.cookie = `palisade_theme=${next}; Path=/; SameSite=Strict; Max-Age=31536000`;
    showTheme();
    drawChart();
  };
  $("theme").addEventListener("click", nextTheme);
  showTheme();

  // Keys, which can be switched off.
  const keysOn = $("keys-on");
  keysOn.checked = remembered("palisade.keys") !== "off";
  keysOn.addEventListener("change", () => {
    remember("palisade.keys", keysOn.checked ? "on" : "off");
  });
  $("help").addEventListener("click", () => $("keys").showModal());
  const pages = { o: "/", f: "/findings", i: "/inventory" };
  let prefix = 0;
  const moveBy = (step) => {
    const rows = [...document.querySelectorAll("a.row")];
    if (rows.length === 0) return;
    const at = rows.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step;
    rows[Math.max(0, Math.min(rows.length - 1, next))].focus();
  };
  const commands = {
    "/": () => { $("filter")?.focus(); $("filter")?.select(); },
    "?": () => $("keys").showModal(),
    "j": () => moveBy(1),
    "k": () => moveBy(-1),
    ".": () => showNew(),
    "p": () => setPaused(!paused),
    "t": nextTheme,
  };
  document.addEventListener("keydown", (press) => {
    const typing = press.target.closest("input, textarea, select");
    if (press.key === "Escape" && typing) { press.target.blur(); return; }
    if (!keysOn.checked || typing || press.ctrlKey || press.metaKey || press.altKey) return;
    if ($("keys").open) return;
    if (prefix && Date.now() - prefix < 1500 && pages[press.key]) {
      location.href = pages[press.key];
    } else if (press.key === "g") {
      prefix = Date.now();
      return;
    } else if (commands[press.key]) {
      press.preventDefault();
      commands[press.key]();
    }
    prefix = 0;
  });

  // Live numbers. The server sends the whole state at most once a second.
  let source = null;
  let paused = false;
  let published = Number(body.dataset.published);
  let offset = 0;
  let lost = false;
  let announced = 0;
  let charted = Date.now();
  const setText = (node, text) => {
    if (node.textContent !== text) node.textContent = text;
  };
  const showAge = () => {
    const age = Math.max(0, Math.round((Date.now() - offset - published) / 1000));
    const connected = !source ? "static" : age >= 10 ? "stale" : "live";
    const state = paused ? "paused" : lost ? "lost" : connected;
    $("live").dataset.state = state;
    const words = age < 100 ? age + " s ago" : Math.round(age / 60) + " min ago";
    const lead = { paused: "paused, ", lost: "reconnecting, " }[state] || "";
    setText($("live-text"), lead + "updated " + words);
  };
  const showNew = () => { if ($("new") && !$("new").hidden) location.reload(); };
  const update = (state) => {
    published = state.at;
    // the clocks of browser and server may differ; ages are about the server's
    offset = Math.max(0, Date.now() - state.at) < 5000 ? 0 : Date.now() - state.at;
    for (const [name, text] of state.text) {
      for (const node of document.querySelectorAll('[data-live="' + name + '"]')) {
        if (!node.closest(".numbers") || node.closest("#numbers")) setText(node, text);
      }
    }
    const fresh = $("new");
    if (fresh) {
      const of = fresh.dataset.of;
      const more = state[of] - Number(body.dataset[of]);
      fresh.hidden = more <= 0;
      if (more > 0) {
        setText(fresh.querySelector("span"), String(more));
        if (Date.now() - announced > 10000) {
          announced = Date.now();
          setText($("announce"), more + " new " + of);
        }
      }
    }
    if ($("hours") && Date.now() - charted > 15000) {
      charted = Date.now();
      refreshHours();
    }
    $("live").classList.toggle("beat");
    showAge();
  };
  const connect = () => {
    if (source || paused || document.hidden) return;
    source = new EventSource("/api/v1/events");
    source.addEventListener("view", (message) => {
      lost = false;
      update(JSON.parse(message.data));
    });
    source.addEventListener("error", () => {
      lost = true;
      if (source && source.readyState === EventSource.CLOSED) disconnect();
      showAge();
    });
  };
  const disconnect = () => { if (source) { source.close(); source = null; } };
  const setPaused = (wanted) => {
    paused = wanted;
    $("pause").setAttribute("aria-pressed", String(paused));
    setText($("pause"), paused ? "Resume" : "Pause");
    if (paused) disconnect(); else connect();
    showAge();
  };
  $("pause").addEventListener("click", () => setPaused(!paused));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) disconnect(); else connect();
  });
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);
  setInterval(showAge, 1000);
  document.addEventListener("click", (click) => {
    if (click.target.closest("#new button")) showNew();
  });

  // The chart draws what its table says.
  let chart = null;
  const refreshHours = async () => {
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("hours");
    if (!fresh) return;
    $("hours").tBodies[0].replaceWith(document.adoptNode(fresh.tBodies[0]));
    drawChart();
  };
  const ink = (token) => {
    const probe = document.createElement("span");
    probe.className = "ink";
    probe.style.color = "var(--" + token + ")";
    body.append(probe);
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  };
  // as the table's columns; bars are drawn from the top of the stack down
  const parts = [["allowed", "allowed"], ["would block", "would"], ["blocked", "blocked"],
    ["error", "failed"]];
  const readHours = () => {
    const rows = [...$("hours").tBodies[0].rows];
    const column = (at) => rows.map((row) => Number(row.cells[at].textContent));
    return { times: rows.map((row) => Number(row.dataset.at)), columns: [1, 2, 3, 4].map(column) };
  };
  const day = (at) => new Date(at * 1000).toISOString().slice(5, 10);
  const hour = (at) => new Date(at * 1000).toISOString().slice(11, 16);
  const axes = () => {
    const grid = { stroke: ink("line"), width: 1 };
    const axis = { stroke: ink("muted"), grid, ticks: { show: false }, font: "12px system-ui" };
    const short = new Intl.NumberFormat("en", { notation: "compact" });
    const incrs = [3600, 7200, 10800, 21600, 43200, 86400];
    const times = (_, all) => all.map((at) => (at % 86400 === 0 ? day(at) : hour(at)));
    const numbers = (_, all) => all.map((n) => (Number.isInteger(n) ? short.format(n) : ""));
    return [
      { ...axis, grid: { show: false }, size: 30, incrs, space: 56, values: times },
      { ...axis, size: 48, space: 36, values: numbers },
    ];
  };
  const readout = (at, { times, columns }) => {
    if (at === null || at === undefined) return "by hour, UTC";
    const words = parts.map(([word], part) => `${columns[part][at].toLocaleString("en")} ${word}`);
    return `${day(times[at])} ${hour(times[at])} · ${words.join(" · ")}`;
  };
  const drawChart = () => {
    const place = $("chart");
    if (!place || typeof uPlot === "undefined") return;
    const hours = readHours();
    const { times, columns } = hours;
    const upTo = (part) => times.map((_, at) =>
      columns.slice(0, part).reduce((sum, column) => sum + column[at], 0));
    const paths = uPlot.paths.bars({ size: [0.82, 28] });
    const bars = ([label, token]) => {
      const color = ink(token);
      return { label, stroke: color, fill: color, width: 0, paths, points: { show: false } };
    };
    const show = (plot) => setText($("readout"), readout(plot.cursor.idx, hours));
    const options = {
      width: place.clientWidth,
      height: 180,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: [times[0] - 1800, times[times.length - 1] + 1800] },
        y: { range: (_, low, high) => [0, Math.max(1, high * 1.05)] },
      },
      axes: axes(),
      series: [{}, ...parts.toReversed().map(bars)],
      hooks: { setCursor: [show] },
    };
    if (chart) chart.destroy();
    chart = new uPlot(options, [times, upTo(4), upTo(3), upTo(2), upTo(1)], place);
  };
  if ($("chart")) {
    new ResizeObserver(() => {
      if (chart && chart.width !== $("chart").clientWidth) drawChart();
    }).observe($("chart"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawChart);
  }

  // Copying.
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText($(button.dataset.copy).textContent);
      const words = button.textContent;
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = words; }, 1500);
    });
  }

  drawChart();
  connect();
  showAge();
})();

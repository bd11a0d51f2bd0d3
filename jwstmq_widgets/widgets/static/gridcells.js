// Cells, and the tooltip that takes a file's name apart.
const NAME_END = 30; // letters
const HOVER = 450; // ms
const EXPLAINED = 300; // names that stay explained

// A cell component that paints its own element again on each refresh.
function cellOf(className, paint) {
  return class {
    init(params) {
      this.gui = element("span", className);
      this.refresh(params);
    }
    refresh(params) {
      this.gui.replaceChildren();
      this.gui.removeAttribute("title");
      if (params.data) paint(this.gui, params.data, params.colDef.field);
      return true;
    }
    getGui() {
      return this.gui;
    }
  };
}

function box(label) {
  const made = element("span", "jwstmq-grid-box");
  made.setAttribute("role", "checkbox");
  made.setAttribute("aria-label", label);
  return made;
}

function paintTick(gui, data) {
  const drawn = box(`Tick ${plain(data.file)}`);
  drawn.setAttribute("aria-checked", String(Boolean(data.ticked)));
  gui.append(drawn);
}

const STATE_SIGNS = { here: "✓", failed: "✕", different: "≠", waiting: "…" };

function makePainters(states) {
  return {
    // The end of a name tells the most (exposure, detector, suffix): what does not fit is left out before it.
    name(gui, data, field) {
      const name = data[field];
      const cuts = [...name.matchAll(/_/g)].map((match) => match.index);
      const cut = cuts.slice(-3).find((place) => name.length - place <= NAME_END) ?? Math.max(name.length - NAME_END, 0);
      gui.append(write(element("span", "jwstmq-grid-head"), name.slice(0, cut)));
      gui.append(write(element("span", "jwstmq-grid-tail"), name.slice(cut)));
      gui.dataset.explain = name;
    },
    text(gui, data, field) {
      const text = data[field] ?? "";
      write(gui, text);
      gui.title = plain(text);
    },
    date(gui, data, field) {
      const text = data[field] ?? "";
      gui.append(text.slice(0, 10), element("span", "jwstmq-grid-minute", text.slice(10)));
      if (text) gui.title = `${text} UTC`;
    },
    access(gui, data) {
      const badge = element("span", "jwstmq-grid-badge");
      badge.dataset.kind = data.access;
      if (data.access === "exclusive") {
        badge.append(element("span", data.until ? "jwstmq-grid-spare" : "", "exclusive "));
        if (data.until) badge.append(`until ${data.until}`);
        gui.title = data.until
          ? `Exclusive to the program's investigators until ${data.until}`
          : "Exclusive to the program's investigators";
      } else {
        badge.textContent = data.access;
        gui.title = data.access === "planned" ? "Planned: not yet taken" : "Public: anybody may download it";
      }
      gui.append(badge);
    },
    state(gui, data) {
      gui.dataset.kind = data.state || "none";
      const word = states[data.state] || data.state;
      if (data.state === "running" || data.state === "partial") {
        const progress = element("span", "jwstmq-grid-progress");
        const done = element("span");
        done.style.width = `${data.percent}%`;
        progress.append(done);
        gui.append(progress, element("span", "jwstmq-grid-percent", `${data.percent} %`));
        gui.title = `${word}, ${data.percent} %`;
      } else {
        const sign = STATE_SIGNS[data.state];
        if (sign) gui.append(element("span", "jwstmq-grid-sign", sign));
        gui.append(element("span", "", word));
        if (data.state === "different") gui.title = "Another file of this name is in the destination folder";
      }
      if (data.note) gui.title = plain(data.note);
    },
  };
}

// Cells that are nothing but a text, which AG Grid writes itself: a component for each would double the time until the
// first rows are there. A text with signs that cannot be seen gets one.
const FORMATS = {
  text: (value) => value ?? "",
  size: (value) => value ?? "",
  number: (value) => String(value ?? ""),
  real: (value) => value?.toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 }) ?? "",
};
const NO_SIZE = "The archive does not say how large this file is";

function plainCell(kind, TextCell) {
  const format = FORMATS[kind];
  return {
    valueFormatter: (params) => format(params.value),
    cellClass: `jwstmq-grid-plain${["size", "number", "real"].includes(kind) ? " jwstmq-grid-right" : ""}`,
    ...(kind === "size" && { tooltipValueGetter: (params) => (params.value === "–" ? NO_SIZE : null) }),
    ...(kind === "text" && {
      tooltipValueGetter: (params) => plain(params.value ?? "") || null,
      cellRendererSelector: (params) =>
        (params.value ?? "").search(HIDDEN_SIGNS) < 0 ? undefined : { component: TextCell },
    }),
  };
}

// Pointing at a name shows what its parts mean; the kernel knows the grammar.
function makeTip(grid) {
  const tip = element("div", "jwstmq-grid-tip");
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  root.append(tip);
  const explained = new Map(); // name to fields, the oldest first
  let over = null;
  let timer;

  function show(cell, name) {
    tip.replaceChildren(write(element("div", "jwstmq-grid-tipname"), name), fieldList(explained.get(name) || []));
    tip.hidden = false;
    const [frame, place] = [root.getBoundingClientRect(), cell.getBoundingClientRect()];
    const below = place.bottom - frame.top + 6;
    const fits = below + tip.offsetHeight <= frame.height;
    tip.style.top = `${fits ? below : Math.max(place.top - frame.top - tip.offsetHeight - 6, 0)}px`;
    tip.style.left = `${Math.max(Math.min(place.left - frame.left, frame.width - tip.offsetWidth), 0)}px`;
  }
  function hide() {
    clearTimeout(timer);
    over = null;
    tip.hidden = true;
  }
  gridDiv.addEventListener("mouseover", (event) => {
    const cell = event.target.closest?.("[data-explain]");
    if (cell === over) return;
    hide();
    if (!cell) return;
    over = cell;
    timer = setTimeout(() => {
      const name = cell.dataset.explain;
      if (explained.has(name)) show(cell, name);
      else grid.send({ type: "explain", name });
    }, HOVER);
  });
  gridDiv.addEventListener("mouseleave", hide);
  gridDiv.addEventListener("mousedown", hide);
  gridDiv.addEventListener("wheel", hide, { passive: true });
  gridDiv.addEventListener("keydown", hide);
  grid.endings.push(hide);
  return {
    explained(name, fields) {
      explained.set(name, fields);
      if (explained.size > EXPLAINED) explained.delete(explained.keys().next().value);
      if (over && over.isConnected && over.dataset.explain === name) show(over, name);
    },
  };
}

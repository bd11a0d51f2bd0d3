// The program tree. Of a million lines only those in sight are elements; the kernel knows the others.
const LINE = 26; // px
const INDENT = 16; // px
const TALLEST = 12_000_000; // px: browsers end pages and boxes somewhere above
const SPARE = 4; // lines above and below those in sight
const SIGNS = { here: "✓", failed: "✕", different: "≠", waiting: "…", running: "↓", partial: "◐", exclusive: "⊘", planned: "○", moving: "↓" };
const WORDS = { here: "here", exclusive: "exclusive", failed: "failed", moving: "downloading" };

function render({ model, el }) {
  el.classList.add("jwstmq-tree");
  const page = newId();
  const note = h("span", { class: "jwstmq-tree-note jwstmq-muted", role: "status" });
  const by = h("select", { "aria-label": "Group files by", onchange: () => model.send({ do: "group", by: by.value }) },
    h("option", { value: "exposure" }, "by exposure"), h("option", { value: "type" }, "by file type"));
  const less = h("button", { type: "button", title: "Close all", "aria-label": "Close all", onclick: () => model.send({ do: "shut" }) }, "−");
  const more = h("button", { type: "button", title: "Open one level more", "aria-label": "Open one level more",
    onclick: () => model.send({ do: "deeper" }) }, "+");
  const head = h("div", { class: "jwstmq-tree-line jwstmq-tree-titles jwstmq-muted", role: "row" },
    ...["Name", "Files", "Size", "State"].map((title, column) => h("span", { role: "columnheader", class: column ? `jwstmq-tree-${title.toLowerCase()}` : "" }, title)));
  const sheet = h("div", { class: "jwstmq-tree-sheet", role: "rowgroup" });
  const empty = h("div", { class: "jwstmq-tree-empty jwstmq-muted" });
  const frame = h("div", { class: "jwstmq-tree-window", role: "presentation" }, sheet, empty);
  const tree = h("div", { class: "jwstmq-tree-grid", role: "treegrid", tabIndex: 0, "aria-label": "Program tree", "aria-multiselectable": "true" }, head, frame);
  const lines = new Map(); // place to the line's elements
  const known = new Map(); // place to what the kernel said of it
  let count = 0;
  let edition = -1;
  let grouping = "";
  let active = 0; // place of the line that the keyboard is on
  let asked = "";
  let typed = "";

  // The scroll bar stands for all lines, also where they would be taller than a box can be.
  const height = () => Math.min(count * LINE, TALLEST);
  const most = () => Math.max(count - frame.clientHeight / LINE, 0);
  const top = () => {
    const way = height() - frame.clientHeight;
    return way > 0 ? (frame.scrollTop / way) * most() : 0;
  };
  function scrollToPlace(first) {
    const way = height() - frame.clientHeight;
    frame.scrollTop = most() > 0 ? (Math.min(Math.max(first, 0), most()) / most()) * way : 0;
  }

  function sight() {
    const first = Math.floor(top());
    const number = Math.ceil(frame.clientHeight / LINE);
    return [Math.max(first - SPARE, 0), Math.min(first + number + SPARE, count - 1)];
  }

  function layOut() {
    if (!frame.clientHeight || !frame.clientWidth) {
      if (asked) model.send({ do: "gone", page });
      asked = "";
      return;
    }
    sheet.style.height = `${height()}px`;
    const [first, last] = sight();
    for (const [place, line] of lines) {
      if (place >= first && place <= last) continue;
      line.element.remove();
      lines.delete(place);
    }
    const shift = frame.scrollTop - top() * LINE;
    let previous = null;
    for (let place = first; place <= last; place += 1) {
      if (!lines.has(place)) lines.set(place, makeLine(place));
      const { element } = lines.get(place);
      element.style.transform = `translateY(${shift + place * LINE}px)`;
      if (!element.isConnected) previous ? previous.after(element) : sheet.prepend(element);
      previous = element;
      fill(place);
    }
    const on = lines.get(active);
    if (on) tree.setAttribute("aria-activedescendant", on.element.id);
    else tree.removeAttribute("aria-activedescendant");
    ask();
  }

  function makeLine(place) {
    const fold = h("span", { class: "jwstmq-tree-fold", "aria-hidden": "true" });
    const box = h("input", { type: "checkbox", tabIndex: -1, disabled: true });
    const name = h("span", { class: "jwstmq-tree-name" });
    const about = h("span", { class: "jwstmq-tree-about jwstmq-muted" });
    const files = h("span", { class: "jwstmq-tree-files", role: "gridcell" });
    const size = h("span", { class: "jwstmq-tree-size", role: "gridcell" });
    const state = h("span", { class: "jwstmq-tree-state", role: "gridcell" });
    const cell = h("span", { class: "jwstmq-tree-cell", role: "gridcell" }, fold, box, name, about);
    const element = h("div", { class: "jwstmq-tree-line", role: "row", id: newId() }, cell, files, size, state);
    box.addEventListener("click", (event) => {
      event.stopPropagation();
      move(place, false);
      tick(place, box.checked);
    });
    element.addEventListener("click", () => {
      move(place, false);
      toggle(place);
    });
    return { element, fold, box, name, about, files, size, state, cell };
  }

  function fill(place) {
    const line = lines.get(place);
    const value = known.get(place);
    if (!line) return;
    line.element.classList.toggle("jwstmq-active", place === active);
    line.element.setAttribute("aria-rowindex", place + 2);
    if (!value || line.drawn === value) return;
    line.drawn = value;
    const leaf = value.uri !== undefined;
    const { element, box } = line;
    element.setAttribute("aria-level", value.level);
    element.setAttribute("aria-posinset", value.which);
    element.setAttribute("aria-setsize", value.of);
    if (leaf) element.removeAttribute("aria-expanded");
    else element.setAttribute("aria-expanded", String(value.open));
    element.classList.toggle("jwstmq-leaf", leaf);
    element.classList.toggle("jwstmq-ticked", value.ticked === value.files);
    line.cell.style.paddingLeft = `${(value.level - 1) * INDENT}px`;
    line.fold.textContent = leaf ? "" : value.open ? "▾" : "▸";
    box.disabled = false;
    box.checked = value.ticked === value.files;
    box.indeterminate = value.ticked > 0 && value.ticked < value.files;
    element.setAttribute("aria-selected", String(box.checked));
    box.setAttribute("aria-label", `Tick ${value.label}${leaf ? "" : ` with ${value.files.toLocaleString("en")} files`}`);
    line.name.replaceChildren(leaf ? fileName(value.label) : value.label);
    line.about.textContent = value.about;
    line.cell.title = [value.label, value.about].filter(Boolean).join(" · ");
    line.files.textContent = leaf ? "" : value.files.toLocaleString("en");
    line.files.title = !leaf && value.ticked ? `${value.ticked.toLocaleString("en")} ticked` : "";
    line.size.textContent = value.size;
    line.state.replaceChildren(...(leaf ? fileState(value) : shares(value)));
    line.state.title = leaf ? value.why : spoken(value);
    line.state.setAttribute("aria-label", leaf ? value.words : spoken(value));
  }

  function fileState(value) {
    return value.words ? [h("span", { "data-kind": value.state }, `${SIGNS[value.state] || ""} ${value.words}`)] : [];
  }

  // How much of a node is here, exclusive, failed or under way: a number with its sign for each.
  function shares(value) {
    return Object.entries(value.shares).map(([kind, number]) =>
      h("span", { "data-kind": kind }, `${SIGNS[kind]} ${number === value.files ? "all" : number.toLocaleString("en")}`));
  }
  const spoken = (value) => Object.entries(value.shares).map(([kind, number]) => `${number.toLocaleString("en")} ${WORDS[kind]}`).join(", ");

  function toggle(place, open) {
    const value = known.get(place);
    if (!value || value.uri !== undefined) return;
    const wanted = open === undefined ? !value.open : open;
    if (wanted !== value.open) model.send({ do: "toggle", id: value.id, open: wanted });
  }

  function tick(place, on) {
    const value = known.get(place);
    if (!value) return;
    model.send(value.uri !== undefined ? { do: "tick", uri: value.uri, on } : { do: "tick", id: value.id, on });
  }

  function move(place, reveal = true) {
    const before = active;
    active = Math.min(Math.max(place, 0), Math.max(count - 1, 0));
    if (reveal) {
      const visible = Math.floor(frame.clientHeight / LINE);
      if (active < top()) scrollToPlace(active);
      else if (active > top() + visible - 1) scrollToPlace(active - visible + 1);
    }
    for (const one of [before, active]) fill(one);
    layOut();
  }

  const forgetTyped = later(() => { typed = ""; }, 800);

  tree.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !count) return;
    const value = known.get(active);
    const step = Math.max(Math.floor(frame.clientHeight / LINE) - 1, 1);
    const keys = {
      ArrowDown: () => move(active + 1),
      ArrowUp: () => move(active - 1),
      PageDown: () => move(active + step),
      PageUp: () => move(active - step),
      Home: () => move(0),
      End: () => move(count - 1),
      ArrowRight: () => (value && value.open ? move(active + 1) : toggle(active, true)),
      ArrowLeft: () => (value && value.open ? toggle(active, false) : value && value.parent >= 0 && move(value.parent)),
      Enter: () => toggle(active),
      " ": () => value && tick(active, value.ticked < value.files),
    };
    if (keys[event.key] && !(event.key === " " && typed)) keys[event.key]();
    else if (event.key.length === 1) {
      typed += event.key;
      forgetTyped();
      // the first letter looks from the next line on, so that it can be typed again
      model.send({ do: "find", page, text: typed, place: typed.length === 1 ? active + 1 : active });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  tree.addEventListener("pointerdown", () => setTimeout(() => tree.focus({ preventScroll: true })));

  const ask = later(() => {
    const first = sight()[0];
    // as many as there is room for: what a line that is opened brings into sight comes along with it
    const last = Math.floor(top()) + Math.ceil(frame.clientHeight / LINE) + SPARE;
    const now = `${edition} ${first} ${last}`;
    if (now === asked || !frame.clientHeight) return; // in a hidden tab nothing is asked for
    asked = now;
    model.send({ do: "look", page, first, last });
  }, 30);

  function draw(view) {
    frame.style.height = `${view.height}px`;
    if (view.edition !== edition) {
      known.clear();
      if (edition !== -1 && view.by !== grouping) {
        active = 0;
        frame.scrollTop = 0;
      }
      edition = view.edition;
    }
    if (view.count !== count) known.clear(); // lines below have moved
    count = view.count;
    grouping = by.value = view.by;
    by.disabled = less.disabled = !count;
    more.disabled = !count || view.deepest;
    for (const line of view.lines) known.set(line.place, line);
    for (const place of known.keys()) if (place >= count) known.delete(place);
    active = Math.min(active, Math.max(count - 1, 0));
    tree.setAttribute("aria-rowcount", count + 1);
    note.textContent = view.note;
    empty.textContent = view.empty;
    empty.hidden = !view.empty;
    head.hidden = !count;
    asked = ""; // the kernel may have told less than is in sight
    layOut();
  }

  frame.addEventListener("scroll", () => requestAnimationFrame(layOut), { passive: true });
  const resized = new ResizeObserver(() => requestAnimationFrame(layOut));
  resized.observe(frame);
  el.append(h("div", { class: "jwstmq-tree-head" }, by, less, more, note), tree);
  const end = listen(model, el, draw, { found: (found) => { if (found.page === page) move(found.place); } });
  return () => {
    end();
    resized.disconnect();
    ask.stop();
    forgetTyped.stop();
    model.send({ do: "gone", page });
  };
}

export default { render };

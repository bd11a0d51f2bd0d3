// Thumbnails. Of thousands of cards only those in sight are elements, and only their pictures are asked for.
const CARD_WIDTH = 168; // px, at least
const CARD_HEIGHT = 200; // px
const GAP = 8; // px
const KEPT = 400; // pictures that stay in the browser
const SIGNS = { here: "✓ ", failed: "✕ ", different: "≠ ", waiting: "… ", running: "↓ ", partial: "◐ ", exclusive: "⊘ ", planned: "○ " };

function render({ model, el }) {
  el.classList.add("jwstmq-gallery");
  const page = newId();
  const note = h("div", { class: "jwstmq-gallery-note jwstmq-muted", role: "status" });
  const empty = h("div", { class: "jwstmq-gallery-empty jwstmq-muted" });
  const sheet = h("div", { class: "jwstmq-gallery-sheet" });
  const frame = h("div", { class: "jwstmq-gallery-window", role: "group", "aria-label": "Gallery" }, sheet, empty);
  const cards = new Map(); // place to the card's elements
  const known = new Map(); // place to what the kernel said of it
  const pictures = new Map(); // URI to {url} or {why}, the oldest first
  let table = -1;
  let choice = -1;
  let count = 0;
  let columns = 1;
  let asked = "";

  function sight() {
    const rowHeight = CARD_HEIGHT + GAP;
    const first = Math.max(Math.floor(frame.scrollTop / rowHeight) - 1, 0) * columns;
    const rows = Math.ceil(frame.clientHeight / rowHeight) + 2;
    return [first, Math.min(first + rows * columns, count) - 1];
  }

  function layOut() {
    const width = sheet.clientWidth;
    if (!width || !frame.clientHeight) {
      if (asked) model.send({ do: "gone", page });
      asked = "";
      return;
    }
    columns = Math.max(Math.floor((width + GAP) / (CARD_WIDTH + GAP)), 1);
    sheet.style.height = `${Math.max(Math.ceil(count / columns) * (CARD_HEIGHT + GAP) - GAP, 0)}px`;
    const [first, last] = sight();
    for (const [place, card] of cards) {
      if (place >= first && place <= last) continue;
      if (card.element.contains(document.activeElement)) continue;
      card.element.remove();
      cards.delete(place);
      if (pictures.get(card.uri)?.why) pictures.delete(card.uri); // coming back into sight is another try
    }
    const each = (width - GAP * (columns - 1)) / columns;
    let previous = null;
    for (let place = first; place <= last; place += 1) {
      if (!cards.has(place)) cards.set(place, makeCard(place));
      const { element } = cards.get(place);
      Object.assign(element.style, {
        width: `${each}px`,
        transform: `translate(${(place % columns) * (each + GAP)}px, ${Math.floor(place / columns) * (CARD_HEIGHT + GAP)}px)`,
      });
      // in the order of places, so that the tab key goes through them as the eye does
      if (!element.isConnected) previous ? previous.after(element) : sheet.prepend(element);
      previous = element;
      fill(place);
    }
    ask();
  }

  function makeCard(place) {
    const box = h("input", { type: "checkbox", disabled: true, onchange: () => {
      const value = known.get(place);
      if (value) model.send({ do: "tick", uri: value.uri, on: box.checked });
      element.classList.toggle("jwstmq-ticked", box.checked);
    } });
    const picture = h("div", { class: "jwstmq-gallery-picture" }, h("span", { class: "jwstmq-muted" }, "loading …"));
    const name = h("div", { class: "jwstmq-gallery-name" });
    const about = h("span", { class: "jwstmq-gallery-about jwstmq-muted" });
    const size = h("span", { class: "jwstmq-gallery-state jwstmq-muted" });
    const state = h("span", { class: "jwstmq-gallery-state" });
    const element = h("label", { class: "jwstmq-card" }, picture, box, name, h("div", { class: "jwstmq-gallery-foot" }, about, size, state));
    return { element, box, picture, name, about, size, state };
  }

  // A name on two lines that break at its underscores; one too long for them gives up its middle.
  function parts(name) {
    const short = name.length > 50 ? `${name.slice(0, 20)}…${name.slice(-28)}` : name;
    return short.split(/(?<=_)/).flatMap((part) => [part, h("wbr")]);
  }

  function fill(place) {
    const card = cards.get(place);
    const value = known.get(place);
    if (!card || !value) return;
    card.box.disabled = false;
    card.box.checked = value.ticked;
    card.element.classList.toggle("jwstmq-ticked", value.ticked);
    if (card.uri !== value.uri) {
      card.uri = value.uri;
      card.drawn = null;
      card.name.replaceChildren(...parts(value.name));
      card.name.title = value.name;
      card.box.setAttribute("aria-label", `Tick ${value.name}`);
    }
    card.about.textContent = value.target;
    card.about.title = value.target;
    card.size.textContent = value.size;
    card.state.textContent = value.words ? (SIGNS[value.state] || "") + value.words : "";
    card.state.dataset.kind = value.state;
    card.state.title = value.note;
    const picture = pictures.get(value.uri);
    if (card.drawn === picture) return;
    card.drawn = picture;
    if (picture && picture.url) {
      card.picture.replaceChildren(h("img", { src: picture.url, alt: "" }));
    } else {
      card.picture.replaceChildren(h("span", { class: "jwstmq-muted" }, picture ? picture.why : "loading …"));
    }
  }

  const ask = later(() => {
    const [first, last] = sight();
    const missing = [];
    for (let place = first; place <= last; place += 1) {
      const value = known.get(place);
      if (value && !pictures.has(value.uri)) missing.push(value.uri);
    }
    const now = [table, first, last, ...missing].join("\n");
    if (now === asked || !frame.clientHeight) return; // in a hidden tab nothing is asked for
    asked = now;
    model.send({ do: "look", page, first, last, pictures: missing });
  }, 60);

  function forget(most) {
    const inUse = new Set([...cards.keys()].map((place) => known.get(place)?.uri));
    for (const [uri, picture] of pictures) {
      if (pictures.size <= most) return;
      if (inUse.has(uri) && most) continue;
      if (picture.url) URL.revokeObjectURL(picture.url);
      pictures.delete(uri);
    }
  }

  function receivePicture({ uri, why }, buffers) {
    const wanted = [...known.values()].some((value) => value.uri === uri);
    if (!wanted) return;
    const before = pictures.get(uri);
    if (before && before.url) return;
    pictures.set(uri, buffers && buffers.length ? { url: URL.createObjectURL(new Blob([buffers[0]], { type: "image/jpeg" })) } : { why });
    for (const [place, value] of known) if (value.uri === uri) fill(place);
    forget(KEPT);
  }

  frame.addEventListener("scroll", () => requestAnimationFrame(layOut), { passive: true });
  const resized = new ResizeObserver(() => requestAnimationFrame(layOut));
  resized.observe(frame);
  el.append(note, frame);
  const end = listen(model, el, (view) => {
    frame.style.height = `${view.height}px`;
    if (view.table !== table) {
      table = view.table;
      known.clear();
      for (const card of cards.values()) card.element.remove();
      cards.clear();
    }
    if (view.choice !== choice) frame.scrollTop = 0;
    choice = view.choice;
    count = view.count;
    for (const card of view.cards) known.set(card.place, card);
    note.textContent = view.note;
    empty.textContent = view.empty;
    empty.hidden = !view.empty;
    layOut();
  }, { picture: receivePicture });
  return () => {
    end();
    resized.disconnect();
    model.send({ do: "gone", page });
    forget(0);
  };
}

export default { render };

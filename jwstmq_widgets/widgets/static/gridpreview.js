// A larger look at one row, over the grid: Escape closes it, arrows go on to the next row, space ticks.
function makePreview(grid) {
  const panel = element("div", "jwstmq-grid-preview");
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", "Preview");
  panel.tabIndex = -1;
  panel.hidden = true;
  const title = element("div", "jwstmq-grid-previewname");
  const tickBox = box("Tick");
  tickBox.addEventListener("click", toggle);
  const picture = element("div", "jwstmq-grid-picture");
  const facts = element("div", "jwstmq-grid-facts");
  const head = element("div", "jwstmq-grid-previewhead");
  head.append(
    tickBox,
    title,
    button("‹", "The row before (arrow up)", () => step(-1)),
    button("›", "The next row (arrow down)", () => step(1)),
    button("×", "Close (Escape)", close)
  );
  const body = element("div", "jwstmq-grid-previewbody");
  body.append(picture, facts);
  panel.append(head, body);
  root.append(panel);
  let place = -1;
  let uri = "";
  let name = "";
  let address = "";

  function forget() {
    if (address) URL.revokeObjectURL(address);
    address = "";
  }

  function show(node) {
    if (!node || !node.data) return;
    place = node.rowIndex;
    uri = node.data.uri;
    name = node.data.file;
    panel.hidden = false;
    title.replaceChildren();
    write(title, name);
    facts.replaceChildren();
    paint();
    forget();
    picture.replaceChildren(element("span", "jwstmq-grid-dim", "loading …"));
    grid.send({ type: "open", uri, name, look: true });
    panel.focus({ preventScroll: true });
  }

  function paint() {
    const node = place >= 0 && grid.api ? grid.api.getDisplayedRowAtIndex(place) : null;
    const ticked = Boolean(node && node.data && node.data.uri === uri && node.data.ticked);
    tickBox.setAttribute("aria-checked", String(ticked));
  }

  function toggle() {
    const node = grid.api.getDisplayedRowAtIndex(place);
    if (node && node.data && node.data.uri === uri) grid.ticks.tick(node, false);
    paint();
  }

  function step(by) {
    const next = Math.min(Math.max(place + by, 0), grid.count - 1);
    if (next === place) return;
    place = next;
    uri = "";
    grid.api.ensureIndexVisible(next);
    grid.api.setFocusedCell(next, grid.columns[0].name);
    panel.focus({ preventScroll: true });
    const node = grid.api.getDisplayedRowAtIndex(next);
    if (node && node.data) show(node);
  }

  function close() {
    panel.hidden = true;
    forget();
    uri = "";
    if (grid.api && place >= 0) grid.api.setFocusedCell(Math.min(place, grid.count - 1), grid.columns[0].name);
  }

  panel.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (event.key === "/") {
      close(); // and on to the search
      return;
    }
    if (event.key === "Escape") close();
    else if (by) step(by);
    else if (event.key === " " && !(event.target instanceof HTMLButtonElement)) toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  grid.endings.push(forget);

  return {
    show,
    paint,
    rowsCame() {
      if (!panel.hidden && !uri) show(grid.api.getDisplayedRowAtIndex(place));
    },
    explained(what, fields) {
      if (!panel.hidden && what === name) facts.replaceChildren(fieldList(fields));
    },
    received(message, buffers) {
      if (panel.hidden || message.uri !== uri) return;
      forget();
      if (!buffers.length) {
        const why = message.why || "no preview";
        picture.replaceChildren(element("span", "jwstmq-grid-dim", `${why[0].toUpperCase()}${why.slice(1)}.`));
        return;
      }
      address = URL.createObjectURL(new Blob([buffers[0]], { type: "image/jpeg" }));
      const image = element("img");
      image.src = address;
      image.alt = `Preview of ${plain(name)}`;
      picture.replaceChildren(image);
    },
  };
}

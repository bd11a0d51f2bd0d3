// File types to choose from, one row each.
function render({ model, el }) {
  el.classList.add("jwstmq-filetypes");
  const title = h("span", { class: "jwstmq-title", id: newId() }, "File types");
  const count = h("span", { class: "jwstmq-muted", role: "status" });
  const all = h("button", { type: "button", class: "jwstmq-plain jwstmq-link", onclick: () => model.send({ do: "all" }) }, "Show all");
  const list = h("div", { class: "jwstmq-filetypes-list", role: "group", "aria-labelledby": title.id });
  const empty = h("div", { class: "jwstmq-muted" });
  const rows = new Map(); // stage and type to the row's elements

  function makeRow(key, stage, name, meaning, send) {
    const box = h("input", { type: "checkbox", onchange: () => send(box.checked) });
    const files = h("span", { class: "jwstmq-number" });
    const size = h("span", { class: "jwstmq-number jwstmq-muted" });
    const line = h("label", {}, h("span", { class: "jwstmq-stage jwstmq-muted" }, stage), box, name, files, size);
    line.title = meaning;
    rows.set(key, { line, box, files, size, spoken: name.textContent });
    return rows.get(key);
  }
  function fill(row, value) {
    row.box.checked = value.chosen;
    row.files.textContent = value.files;
    row.size.textContent = value.size;
    // the parts of a row stand in columns: read out as one text they would run together
    row.box.ariaLabel = `${row.spoken}, ${value.files} ${value.files === "1" ? "file" : "files"}, ${value.size}`;
  }
  function typeName(filetype) {
    const [suffix, ...rest] = filetype.replace(/^_/, "").split(".");
    return h("span", { class: "jwstmq-type" }, suffix, h("span", { class: "jwstmq-muted" }, rest.length ? `.${rest.join(".")}` : ""));
  }

  el.append(h("div", { class: "jwstmq-filetypes-head" }, title, count, all), list, empty);
  return listen(model, el, (view) => {
    const keys = view.rows.map((row) => `${row.stage} ${row.filetype}`);
    if (view.guides) keys.push("guides");
    if (keys.join("\n") !== [...rows.keys()].join("\n")) {
      rows.clear();
      let before = null;
      view.rows.forEach((value, place) => {
        const stage = value.stage === before ? "" : value.stage || "–";
        before = value.stage;
        const row = makeRow(keys[place], stage, typeName(value.filetype), value.meaning,
          (on) => model.send({ do: "choose", stage: value.stage, filetype: value.filetype, on }));
        row.line.classList.toggle("jwstmq-first", Boolean(stage));
      });
      if (view.guides) {
        const row = makeRow("guides", "gs", h("span", { class: "jwstmq-type" }, "and guide stars"),
          "Data of the stars that JWST was guided by: seldom wanted",
          (on) => model.send({ do: "guides", on }));
        row.line.classList.add("jwstmq-first");
      }
      list.replaceChildren(...[...rows.values()].map((row) => row.line));
    }
    view.rows.forEach((value, place) => fill(rows.get(keys[place]), value));
    if (view.guides) fill(rows.get("guides"), view.guides);
    count.textContent = !view.rows.length ? "" : view.chosen ? `${view.chosen} of ${view.rows.length} shown` : "all shown";
    all.hidden = !view.chosen;
    empty.textContent = view.empty;
    empty.hidden = !view.empty;
  });
}

export default { render };

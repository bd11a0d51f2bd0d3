// A form for a query. What is typed stays until the kernel says that another query was asked.
function render({ model, el }) {
  el.classList.add("jwstmq-search");
  const texts = {};
  const sentences = {};
  let shown = "";
  let modesOf = {};

  function textField(name, label, placeholder, more = {}) {
    texts[name] = h("input", { type: "text", id: newId(), placeholder, autocomplete: "off", spellcheck: false,
      "aria-label": more.label, inputMode: more.numeric ? "numeric" : "text" });
    return texts[name];
  }
  // A row of the form: a label, what it names, and below it a place for a sentence.
  function row(name, label, ...controls) {
    const sentence = problemLine();
    sentence.id = newId();
    sentences[name] = sentence;
    const single = controls.length === 1 && controls[0] instanceof HTMLInputElement;
    const title = h(single ? "label" : "span", { class: "jwstmq-label", id: newId() }, label);
    if (single) title.htmlFor = controls[0].id;
    const body = h("div", single ? {} : { role: "group", "aria-labelledby": title.id },
      h("div", { class: `jwstmq-search-${name}` }, ...controls), sentence);
    for (const input of body.querySelectorAll("input")) input.setAttribute("aria-describedby", sentence.id);
    return [title, body];
  }
  function chip(value, label, group) {
    const box = h("input", { type: "checkbox", value });
    group.append(h("label", { class: "jwstmq-chip" }, box, label));
    return box;
  }
  const values = (group) => [...group.querySelectorAll("input:checked")].map((box) => box.value);

  const instruments = h("div", { class: "jwstmq-chips", onchange: showModes });
  const modes = h("div", { class: "jwstmq-chips" });
  const archive = h("select", { id: newId(), onchange: () => model.send({ do: "archive", address: archive.value }) });
  const closed = problemLine();
  const again = h("button", { type: "button", hidden: true,
    onclick: () => model.send({ do: "archive", address: archive.value }) }, "Try again");
  const button = h("button", { type: "submit", class: "jwstmq-primary" }, "Search");
  const cancel = h("button", { type: "button", hidden: true, onclick: () => model.send({ do: "cancel" }) }, "Cancel");
  const text = h("span", { class: "jwstmq-search-text jwstmq-muted", role: "status" });
  const bar = progressBar("Search");
  const restText = h("span", {});
  const rest = h("div", { class: "jwstmq-search-rest", hidden: true }, restText,
    h("button", { type: "button", class: "jwstmq-plain", title: "Drop these limits", "aria-label": "Drop these limits",
      onclick: () => model.send({ do: "forget" }) }, "×"));
  const problem = problemLine();
  bar.hidden = true;

  const modesRow = row("modes", "Modes", modes);
  const form = h("form", { noValidate: true },
    h("div", { class: "jwstmq-fields" },
      h("label", { class: "jwstmq-label", htmlFor: archive.id }, "Archive"),
      h("div", {}, archive, h("div", { class: "jwstmq-search-closed" }, closed, again)),
      ...row("program", "Program", textField("program", "Program", "2733", { numeric: true })),
      ...row("observations", "Observations", textField("observations", "Observations", "all, or 1, 2, 5-7")),
      ...row("instrument", "Instrument", instruments),
      ...modesRow,
      ...row("dates", "Dates",
        textField("earliest", "", "2022-06-01", { label: "Earliest date, ISO or MJD" }),
        h("span", { "aria-hidden": "true" }, "–"),
        textField("latest", "", "2022-07-31", { label: "Latest date, ISO or MJD" })),
      ...row("lookback", "or the last", textField("lookback", "", "30", { label: "Look back, days", numeric: true }),
        h("span", {}, "days"))),
    rest,
    h("div", { class: "jwstmq-search-go" }, button, cancel, text),
    bar, problem);

  function showModes() {
    const kept = new Set(values(modes));
    drawModes(kept);
  }
  function drawModes(kept) {
    const chosen = values(instruments);
    const known = chosen.length ? [...new Set(chosen.flatMap((name) => modesOf[name] || []))] : [...kept];
    modes.replaceChildren();
    for (const mode of known) chip(mode, mode, modes).checked = kept.has(mode);
    for (const part of modesRow) part.hidden = !known.length;
  }
  function read() {
    const fields = { instrument: values(instruments), modes: values(modes) };
    for (const [name, input] of Object.entries(texts)) fields[name] = input.value;
    return fields;
  }
  function write(fields) {
    for (const [name, input] of Object.entries(texts)) input.value = fields[name];
    for (const box of instruments.querySelectorAll("input")) box.checked = fields.instrument.includes(box.value);
    drawModes(new Set(fields.modes));
  }
  const compared = (fields) => JSON.stringify(Object.keys(fields).sort().map((name) => fields[name]));

  submitOnEnter(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = read();
    shown = compared(fields);
    model.send({ do: "search", fields });
  });

  el.append(form);
  return listen(model, el, (view) => {
    if (!instruments.children.length) {
      modesOf = view.modes;
      for (const [value, label] of view.instruments) chip(value, label, instruments);
    }
    if (compared(view.fields) !== shown) {
      shown = compared(view.fields);
      write(view.fields);
    }
    const options = JSON.stringify(view.archives);
    if (archive.dataset.options !== options) {
      archive.dataset.options = options;
      archive.replaceChildren(...view.archives.map(([value, label]) => h("option", { value }, label)));
    }
    archive.value = view.address;
    say(closed, view.closed);
    again.hidden = !view.closed;
    restText.textContent = `also: ${view.rest}`;
    rest.hidden = !view.rest;
    cancel.hidden = !view.running;
    text.textContent = view.text;
    bar.hidden = !view.running;
    bar.set(view.fraction);
    for (const [name, sentence] of Object.entries(sentences)) {
      const wrong = view.field === name;
      say(sentence, wrong ? view.problem : "");
      for (const input of sentence.parentElement.querySelectorAll("input[type=text]")) {
        input.setAttribute("aria-invalid", String(wrong));
      }
    }
    say(problem, view.field ? "" : view.problem);
  });
}

export default { render };

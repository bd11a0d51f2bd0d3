// Parts of a form for a query: rows that can disappear, chips, choices, suggestions, tabs.

/** A text field. */
function textInput(placeholder, more = {}) {
  return h("input", { type: "text", id: newId(), placeholder, autocomplete: "off", spellcheck: false,
    "aria-label": more.label, inputMode: more.numeric ? "numeric" : "text" });
}

/** A choice of one; the first option is what limits nothing. */
function choice(options, label) {
  return h("select", { id: newId(), "aria-label": label }, options.map(([value, text]) => h("option", { value }, text)));
}

/** A row of the form: a label, what it names, and below it a place for a sentence; `set(hidden)` and `say(text)`. */
function formRow(name, label, ...controls) {
  const sentence = problemLine();
  sentence.id = newId();
  const single = controls.length === 1 && controls[0].matches("input, select");
  const title = h(single ? "label" : "span", { class: "jwstmq-label", id: newId() }, label);
  if (single) title.htmlFor = controls[0].id;
  const body = h("div", single ? {} : { role: "group", "aria-labelledby": title.id },
    h("div", { class: `jwstmq-search-${name}` }, ...controls), sentence);
  for (const input of body.querySelectorAll("input, select")) input.setAttribute("aria-describedby", sentence.id);
  return {
    name, title, body,
    get hidden() { return body.hidden; },
    set hidden(hidden) { title.hidden = body.hidden = hidden; },
    get inSight() { return body.offsetParent !== null; },
    say(text) {
      say(sentence, text);
      for (const input of body.querySelectorAll("input[type=text]")) input.setAttribute("aria-invalid", String(Boolean(text)));
    },
  };
}

/** Boxes to choose several of. */
function chips() {
  const group = h("div", { class: "jwstmq-chips" });
  let drawn = "";
  group.fill = (pairs, checked = []) => {
    if (JSON.stringify(pairs) === drawn) return group.check(checked); // a box that has the keyboard stays
    drawn = JSON.stringify(pairs);
    const kept = new Set(checked);
    group.replaceChildren(...pairs.map(([value, label]) => h("label", { class: "jwstmq-chip" },
      h("input", { type: "checkbox", value, checked: kept.has(value) }), label)));
    return undefined;
  };
  group.values = () => [...group.querySelectorAll("input:checked")].map((box) => box.value);
  group.check = (values) => {
    for (const box of group.querySelectorAll("input")) box.checked = values.includes(box.value);
  };
  return group;
}

/**
 * Suggest values while a field is typed in. `options` gives pairs of a value and what it means; where a separator is
 * given the field holds several values, and the last one is completed.
 */
function suggest(input, options, separator) {
  const list = h("datalist", { id: newId() });
  input.setAttribute("list", list.id);
  const offer = () => {
    const cut = separator ? input.value.lastIndexOf(separator) + 1 : 0;
    const before = cut ? `${input.value.slice(0, cut)} ` : "";
    const typed = input.value.slice(cut).trim().toLowerCase();
    const found = options().filter(([value, label]) => `${value} ${label}`.toLowerCase().includes(typed)).slice(0, 200);
    list.replaceChildren(...found.map(([value, label]) => h("option", { value: before + value, label: label || undefined })));
  };
  input.addEventListener("focus", offer);
  input.addEventListener("input", offer);
  input.after(list);
  return input;
}

/** Rows of a keyword and what it must be; an empty row is always there for one more. `read()`, `write(pairs)`. */
function keywordRows(changed) {
  const whole = h("div", { class: "jwstmq-keywords" });
  let columns = new Map(); // name to kind and description
  const explain = (row) => {
    const [kind, meaning] = columns.get(row.name.value.trim()) || ["", ""];
    row.line.title = meaning;
    row.meaning.textContent = meaning;
    row.meaning.hidden = !meaning;
    row.value.placeholder = kind === "integer" || kind === "real" ? ">=1, 1..9" : "value";
    row.drop.style.visibility = row === rows.at(-1) && !row.name.value && !row.value.value ? "hidden" : "";
  };
  let rows = [];
  function add(name = "", value = "") {
    const row = { name: textInput("keyword", { label: "Keyword" }), value: textInput("", { label: "Value" }), meaning: h("div", { class: "jwstmq-muted", hidden: true }) };
    row.name.value = name;
    row.value.value = value;
    row.drop = h("button", { type: "button", class: "jwstmq-plain", title: "Drop this keyword", "aria-label": "Drop this keyword", onclick: () => {
      rows = rows.filter((other) => other !== row);
      row.line.remove();
      tidy();
      changed();
    } }, "×");
    row.line = h("div", { class: "jwstmq-keyword" }, row.name, row.value, row.drop, row.meaning);
    suggest(row.name, () => [...columns].map(([known, [, meaning]]) => [known, meaning]));
    rows.push(row);
    whole.append(row.line);
    explain(row);
  }
  function tidy() {
    const last = rows.at(-1);
    if (!last || last.name.value.trim() || last.value.value.trim()) add();
    rows.forEach(explain);
  }
  whole.addEventListener("input", tidy);
  whole.read = () => rows.map(({ name, value }) => [name.value.trim(), value.value.trim()]).filter(([name, value]) => name || value);
  whole.write = (pairs) => {
    whole.replaceChildren();
    rows = [];
    for (const [name, value] of pairs) add(name, value);
    tidy();
  };
  whole.know = (list) => {
    columns = new Map(list.map(([name, kind, meaning]) => [name, [kind, meaning]]));
    rows.forEach(explain);
  };
  whole.write([]);
  return whole;
}

/** Tabs over parts of a form; each part may be marked as holding something, or as wrong. */
function formTabs(label, parts) {
  const list = h("div", { role: "tablist", "aria-label": label, class: "jwstmq-search-tabs" });
  const tabs = Object.entries(parts).map(([name, [title, part]]) => {
    part.id = part.id || newId();
    part.setAttribute("role", "tabpanel");
    part.setAttribute("aria-label", `Search by ${title.toLowerCase()}`);
    const mark = h("span", { class: "jwstmq-search-mark", hidden: true });
    const button = h("button", { type: "button", role: "tab", "aria-controls": part.id, onclick: () => list.choose(name) }, title, mark);
    return { name, part, button, mark };
  });
  list.front = "";
  list.choose = (name, focus) => {
    list.front = name;
    for (const tab of tabs) {
      const front = tab.name === name;
      tab.part.hidden = !front;
      tab.button.setAttribute("aria-selected", String(front));
      tab.button.tabIndex = front ? 0 : -1;
      if (front && focus) tab.button.focus();
    }
    list.dispatchEvent(new Event("chosen"));
  };
  list.mark = (name, state, meaning) => {
    const { mark } = tabs.find((tab) => tab.name === name);
    mark.hidden = !state;
    mark.dataset.state = state;
    mark.title = meaning;
  };
  list.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const now = tabs.findIndex((tab) => tab.button === document.activeElement);
    list.choose(tabs[(now + step + tabs.length) % tabs.length].name, true);
  });
  list.append(...tabs.map((tab) => tab.button));
  list.choose(tabs[0].name);
  return list;
}

/** Searches with names: a list to choose from, and a field to name a new one. */
function savedSearches(model, current) {
  const title = h("summary", {}, "Saved searches");
  const list = h("div", { class: "jwstmq-saved-list" });
  const name = h("input", { type: "text", placeholder: "name", "aria-label": "Name for this search", autocomplete: "off",
    maxLength: 80, spellcheck: false });
  const save = () => {
    if (name.value.trim()) model.send({ do: "save", name: name.value, ...current() });
    else name.focus();
  };
  name.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    save();
  });
  const trouble = problemLine();
  const whole = h("details", { class: "jwstmq-saved", ontoggle: () => whole.open && model.send({ do: "saved" }) }, title, list,
    h("div", { class: "jwstmq-saved-new" }, name, h("button", { type: "button", onclick: save }, "Save this search")), trouble);
  let shown = "";
  whole.draw = (saved, text) => {
    say(trouble, text);
    if (JSON.stringify(saved) === shown) return;
    shown = JSON.stringify(saved);
    title.textContent = saved.length ? `Saved searches (${saved.length})` : "Saved searches";
    if (saved.some(([known]) => known === name.value.trim().replace(/\s+/g, " "))) name.value = "";
    list.replaceChildren(...saved.map(([known, sentence]) => h("div", { class: "jwstmq-saved-row" },
      h("button", { type: "button", class: "jwstmq-plain jwstmq-link", title: sentence,
        onclick: () => model.send({ do: "choose", name: known }) }, h("span", {}, known)),
      h("span", { class: "jwstmq-muted", title: sentence }, sentence),
      h("button", { type: "button", class: "jwstmq-plain", title: "Forget this search", "aria-label": `Forget ${known}`,
        onclick: () => model.send({ do: "remove", name: known }) }, "×"))));
  };
  return whole;
}

// A form for a query. What is typed stays until the kernel says that another query was asked.
const POSITION = /^((icrs|fk[45]|galactic)\s+)?[-+−\d.][-+−\d.,:;\s°'"hdms]*$/i; // as the kernel reads it
const OLD = "jwstmq-search-old";

function render({ model, el }) {
  el.classList.add("jwstmq-search");
  const me = newId();
  let sent = 0;
  let shown = "";
  let counted = "";
  let exposures = {};
  let known = { programs: [], investigators: [], targets: [], filters: {}, modes: {} };

  // the fields
  const texts = {
    program: textInput("2733", { numeric: true }),
    observations: textInput("all, or 1, 2, 5-7"),
    exposure_types: textInput("all, or MIR_IMAGE, NRC_TS*"),
    filters: textInput("all, or F770W, F1*"),
    earliest: textInput("2022-06-01", { label: "Earliest date, ISO or MJD" }),
    latest: textInput("2022-07-31", { label: "Latest date, ISO or MJD" }),
    lookback: textInput("30", { label: "Look back, days", numeric: true }),
    pi: textInput("Pontoppidan"),
    target: textInput("NGC 3132, or 151.757 −40.436"),
    radius: textInput("2 arcmin"),
    target_name: textInput("NGC-*"),
  };
  const choices = {
    executed: choice([["", "executed or planned"], ["executed", "executed"], ["planned", "planned"]]),
    access: choice([["", "public or exclusive"], ["public", "public"], ["exclusive", "exclusive access"]]),
    resolver: choice([["", "the archive's choice"], ["NED", "NED"], ["SIMBAD", "SIMBAD"], ["VIZIER", "VizieR"]]),
    footprint: choice([["", "near the target"], ["overlaps", "overlaps the circle"], ["contains", "contains the target"]]),
  };
  const groups = { instrument: chips(), modes: chips(), categories: chips() };
  const when = choice([["", "at any time"], ["between", "between two days"], ["last", "in the last days"]]);
  const place = h("div", { class: "jwstmq-search-place jwstmq-muted", role: "status" });

  const rows = {};
  const row = (name, label, ...controls) => {
    rows[name] = formRow(name, label, ...controls);
    return [rows[name].title, rows[name].body];
  };
  const more = h("details", { class: "jwstmq-search-more" }, h("summary", {}, "More"),
    h("div", { class: "jwstmq-fields" },
      ...row("exposure_types", "Exposures", texts.exposure_types),
      ...row("categories", "Category", groups.categories),
      ...row("pi", "PI", texts.pi),
      ...row("executed", "Status", choices.executed),
      ...row("access", "Access", choices.access)));
  const program = h("div", {},
    h("div", { class: "jwstmq-fields" },
      ...row("program", "Program", texts.program),
      ...row("observations", "Observations", texts.observations),
      ...row("instrument", "Instrument", groups.instrument),
      ...row("modes", "Modes", groups.modes),
      ...row("filters", "Filters", texts.filters),
      ...row("when", "Observed", when),
      ...row("dates", "", texts.earliest, h("span", { "aria-hidden": "true" }, "–"), texts.latest),
      ...row("lookback", "", texts.lookback, h("span", {}, "days"))),
    more);
  const target = h("div", { class: "jwstmq-fields" },
    ...row("target", "Target", texts.target),
    ...row("resolver", "Resolver", choices.resolver),
    ...row("radius", "Radius", texts.radius),
    ...row("footprint", "Field", choices.footprint),
    ...row("target_name", "Listed as", texts.target_name));
  rows.target.body.append(place);
  rows.dates.title.ariaLabel = "Between which days";
  rows.lookback.title.ariaLabel = "In how many last days";
  rows.exposure_types.title.title = texts.exposure_types.title = "Types of exposure (EXP_TYPE); finds only what was executed";
  rows.target_name.title.title = texts.target_name.title = "What the program calls its target; * stands for anything";
  const words = keywordRows(() => changed());
  const keywordsTrouble = problemLine();
  const keywords = h("div", {}, ...row("keywords", "", words), keywordsTrouble,
    h("div", { class: "jwstmq-muted jwstmq-search-hint" }, "Several values with commas: MIR_IMAGE, F7*, !CLEAR, 10..20, >=1, null. Finds only what was executed."));
  rows.keywords.title.hidden = true;
  rows.keywords.body.setAttribute("aria-label", "Keywords and their values");
  rows.keywords.body.removeAttribute("aria-labelledby");
  const tabs = formTabs("What to search for",
    { program: ["Program", program], target: ["Target", target], keywords: ["Keywords", keywords] });
  const tabOf = (name) => (keywords.contains(rows[name].body) ? "keywords" : target.contains(rows[name].body) ? "target" : "program");

  const ofInstruments = (table) => {
    const chosen = groups.instrument.values();
    return [...new Set((chosen.length ? chosen : Object.keys(table)).flatMap((name) => table[name] || []))];
  };
  suggest(texts.program, () => known.programs);
  suggest(texts.filters, () => ofInstruments(known.filters).map((name) => [name, ""]), ",");
  suggest(texts.exposure_types, () => ofInstruments(exposures).map((name) => [name, ""]), ",");
  suggest(texts.pi, () => known.investigators.map((name) => [name, ""]), ";");
  suggest(texts.target, () => known.targets.map((name) => [name, ""]));
  suggest(texts.target_name, () => known.targets.map((name) => [name, ""]), ";");

  // what stands around them
  const archive = h("select", { id: newId(), onchange: () => model.send({ do: "archive", address: archive.value }) });
  const closed = problemLine();
  const again = h("button", { type: "button", hidden: true,
    onclick: () => model.send({ do: "archive", address: archive.value }) }, "Try again");
  const button = h("button", { type: "submit", class: "jwstmq-primary" }, "Search");
  const cancel = h("button", { type: "button", class: "jwstmq-search-cancel", hidden: true, title: "Escape", onclick: () => model.send({ do: "cancel" }) }, "Cancel");
  const text = h("span", { class: "jwstmq-search-text jwstmq-muted", role: "status" });
  const bar = progressBar("Search");
  const restText = h("span", {});
  const rest = h("div", { class: "jwstmq-search-rest", hidden: true }, restText,
    h("button", { type: "button", class: "jwstmq-plain", title: "Drop these limits", "aria-label": "Drop these limits",
      onclick: () => model.send({ do: "forget" }) }, "×"));
  const sentence = h("div", { class: "jwstmq-search-sentence", hidden: true });
  const clear = h("button", { type: "button", class: "jwstmq-plain jwstmq-link jwstmq-search-clear", onclick: () => clearAll() }, "Clear");
  const problem = problemLine();
  bar.hidden = true;
  const form = h("form", { noValidate: true },
    h("div", { class: "jwstmq-fields jwstmq-search-archive" },
      h("label", { class: "jwstmq-label", htmlFor: archive.id }, "Archive"),
      h("div", {}, archive, h("div", { class: "jwstmq-search-closed" }, closed, again))),
    tabs, program, target, keywords, rest,
    h("div", { class: "jwstmq-search-says" }, sentence, clear),
    h("div", { class: "jwstmq-search-go" }, button, cancel, text),
    bar, problem);
  const saved = savedSearches(model, () => message());

  // Fields that do not apply disappear, and do not count.
  function arrange(written = {}) {
    const chosen = groups.instrument.values();
    const kept = written.modes || groups.modes.values();
    const modes = chosen.length ? ofInstruments(known.modes) : kept;
    groups.modes.fill(modes.map((mode) => [mode, mode]), kept);
    const typed = (name) => Boolean(texts[name].value.trim());
    rows.modes.hidden = !modes.length;
    rows.observations.hidden = !typed("program") && !(written.observations || "");
    rows.when.hidden = choices.executed.value === "planned" && !(written.earliest || written.latest || written.lookback);
    rows.dates.hidden = rows.when.hidden || when.value !== "between";
    rows.lookback.hidden = rows.when.hidden || when.value !== "last";
    rows.exposure_types.hidden = !Object.keys(exposures).length || choices.executed.value === "planned";
    rows.radius.hidden = rows.footprint.hidden = place.hidden = !typed("target");
    rows.resolver.hidden = !typed("target") || POSITION.test(texts.target.value.trim());
    const limits = read();
    const marked = (names) => names.some((name) => limits[name].length);
    const names = Object.keys(limits).filter((name) => name !== "radius");
    clear.hidden = !marked(names);
    for (const tab of ["program", "target", "keywords"]) {
      tabs.mark(tab, marked(names.filter((name) => tabOf(rowOf(name).name) === tab)) ? "used" : "", "narrows this search");
    }
  }
  const rowOf = (name) => ({ earliest: rows.dates, latest: rows.dates })[name] || rows[name];
  function read() {
    const fields = { keywords: words.read() };
    for (const [name, input] of Object.entries({ ...texts, ...choices })) fields[name] = rowOf(name).hidden ? "" : input.value;
    for (const [name, group] of Object.entries(groups)) fields[name] = rowOf(name).hidden ? [] : group.values();
    return fields;
  }
  function write(fields) {
    for (const [name, input] of Object.entries({ ...texts, ...choices })) input.value = fields[name];
    if (!fields.target) texts.radius.value = "";
    groups.instrument.check(fields.instrument);
    groups.categories.check(fields.categories);
    words.write(fields.keywords);
    when.value = fields.lookback ? "last" : fields.earliest || fields.latest ? "between" : "";
    arrange(fields);
    if (fields.exposure_types || fields.categories.length || fields.pi || fields.executed || fields.access) more.open = true;
  }
  const compared = (fields) => JSON.stringify(Object.keys(fields).sort().map((name) => fields[name]));
  function message() {
    const fields = read();
    shown = compared(fields);
    sent += 1;
    return { fields, stamp: `${me} ${sent}` };
  }
  const consider = later(() => model.send({ do: "consider", ...message() }), 400);
  function changed() {
    arrange();
    text.classList.add(OLD);
    place.classList.add(OLD);
    consider();
  }
  function clearAll() {
    for (const input of Object.values({ ...texts, ...choices, when })) input.value = "";
    for (const group of Object.values(groups)) group.check([]);
    words.write([]);
    model.send({ do: "forget" });
    changed();
  }

  let told = { field: "", problem: "" };
  function tellProblem() {
    const wrong = told.field && rows[told.field];
    say(problem, wrong && wrong.inSight ? "" : told.problem);
  }

  submitOnEnter(form);
  tabs.addEventListener("chosen", () => {
    if (tabs.front === "keywords") model.send({ do: "keywords" });
    tellProblem();
  });
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    consider.stop();
    model.send({ do: "search", ...message() });
  });
  el.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || cancel.hidden) return;
    event.preventDefault();
    event.stopPropagation();
    model.send({ do: "cancel" });
  });

  el.append(form, saved);
  const end = listen(model, el, (view) => {
    if (!groups.instrument.children.length) {
      groups.instrument.fill(view.instruments);
      groups.categories.fill(view.categories.map((name) => [name, name]));
    }
    exposures = view.exposures;
    // an echo of what was sent from here says nothing new, and more may have been typed since
    if (!view.stamp.startsWith(`${me} `) && compared(view.fields) !== shown) {
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
    sentence.textContent = sentence.title = view.sentence;
    sentence.hidden = !view.sentence;
    cancel.hidden = !view.running;
    if (view.count || !view.counting) counted = view.count;
    text.textContent = view.text || counted || (view.counting ? "counting …" : "");
    text.classList.toggle(OLD, view.counting && !view.text);
    bar.hidden = !view.running;
    bar.set(view.fraction);
    place.textContent = view.place;
    place.classList.remove(OLD);
    for (const [name, line] of Object.entries(rows)) line.say(view.field === name ? view.problem : "");
    const wrong = view.field && rows[view.field];
    if (wrong && more.contains(wrong.body)) more.open = true;
    told = view;
    tellProblem();
    say(keywordsTrouble, view.troubles.keywords);
    arrange(read());
    if (wrong) tabs.mark(tabOf(view.field), "wrong", "something here is wrong");
    saved.draw(view.saved, view.troubles.saved);
  }, {
    known: (news) => {
      known = news;
      arrange();
    },
    keywords: (list) => words.know(list),
  });
  return () => {
    consider.stop();
    end();
  };
}

export default { render };

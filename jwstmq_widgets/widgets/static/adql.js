// A place for ADQL: the query with its error beside it, the archive's tables, its jobs, and the rows that came.
function render({ model, el }) {
  el.classList.add("jwstmq-adql");
  const send = (verb, fields = {}) => model.send({ do: verb, ...fields });

  // -- the query -----------------------------------------------------------------------------------------------------
  const text = h("textarea", { class: "jwstmq-adql-text", id: newId(), spellcheck: false, rows: 5, wrap: "off",
    autocapitalize: "off", autocomplete: "off" });
  const examples = h("select", { "aria-label": "Examples", onchange: () => {
    if (examples.value) write(examples.value);
    examples.value = "";
  } });
  const mode = h("select", { "aria-label": "How to run" },
    h("option", { value: "auto", title: "By a job where the answer is long; nothing stays" }, "as needed"),
    h("option", { value: "sync" }, "at once (2,000 rows)"),
    h("option", { value: "async" }, "as a job that stays"));
  const jobName = h("input", { type: "text", placeholder: "name of the job", "aria-label": "Name of the job", hidden: true });
  mode.addEventListener("change", () => { jobName.hidden = mode.value !== "async"; });
  const run = h("button", { type: "button", class: "jwstmq-primary", title: "Ctrl+Enter", onclick: () => act() }, "Run");
  const doing = h("span", { class: "jwstmq-muted jwstmq-adql-doing", role: "status" });
  const problem = problemLine();
  const where = h("button", { type: "button", class: "jwstmq-plain jwstmq-link", hidden: true, onclick: () => point() });
  const closed = problemLine();
  const uploads = h("div", { class: "jwstmq-adql-uploads jwstmq-muted", hidden: true });
  let busy = false, position = null;

  const told = later(() => send("text", { text: text.value }), 400);
  text.addEventListener("input", () => { told(); text.removeAttribute("aria-invalid"); });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      event.stopPropagation();
      if (!busy) act();
    }
  });
  function act() {
    told.stop();
    if (busy) send("cancel");
    else send("run", { text: text.value, mode: mode.value, name: jobName.hidden ? "" : jobName.value });
  }
  function write(value) {
    text.value = value;
    told();
    text.focus();
  }
  function insert(value) {
    text.focus();
    text.setRangeText(value, text.selectionStart, text.selectionEnd, "end");
    told();
  }
  /** Put the cursor where the archive says that the error is. */
  function point() {
    const [line, column] = position;
    const lines = text.value.split("\n");
    const row = Math.min(line, lines.length) - 1;
    const start = lines.slice(0, row).reduce((sum, one) => sum + one.length + 1, 0);
    const at = Math.min(start + column - 1, start + lines[row].length);
    const word = /^[\w".]+/.exec(text.value.slice(at));
    text.focus();
    text.setSelectionRange(at, at + (word ? word[0].length : 1));
  }

  // -- tables and columns --------------------------------------------------------------------------------------------
  const filter = h("input", { type: "search", placeholder: "filter tables and columns", "aria-label": "Filter tables and columns",
    oninput: () => drawColumns() });
  const tree = h("div", { class: "jwstmq-adql-tree", tabIndex: 0, role: "group", "aria-label": "Tables and columns" });
  const tablesProblem = problemLine();
  const browser = h("details", { class: "jwstmq-adql-tables", ontoggle: () => { if (browser.open) send("tables"); } },
    h("summary", {}, "Tables and columns"), filter, tablesProblem, tree);
  let columns = null;
  function drawColumns() {
    if (!columns) {
      tree.replaceChildren(h("div", { class: "jwstmq-muted" }, "Asking the archive …"));
      return;
    }
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = new Map();
    for (const row of columns) {
      const all = row.join(" ").toLowerCase();
      if (!words.every((word) => all.includes(word))) continue;
      if (!groups.has(row[0])) groups.set(row[0], []);
      groups.get(row[0]).push(row);
    }
    const open = new Set([...tree.querySelectorAll("details[open]")].map((one) => one.dataset.table));
    tree.replaceChildren(...[...groups].map(([table, rows]) => {
      const part = h("details", { open: words.length > 0 ? groups.size < 6 : open.has(table) },
        h("summary", {}, h("button", { type: "button", class: "jwstmq-plain jwstmq-adql-name", title: "Insert into the query",
          onclick: (event) => { event.preventDefault(); insert(table); } }, table),
        h("span", { class: "jwstmq-muted" }, `${rows.length}`)));
      part.dataset.table = table;
      const fill = () => {
        if (!part.open || part.childElementCount > 1) return;
        part.append(...rows.map(([, name, type, unit, description]) => h("div", { class: "jwstmq-adql-column" },
          h("button", { type: "button", class: "jwstmq-plain jwstmq-adql-name", title: "Insert into the query",
            onclick: () => insert(name) }, name),
          h("span", { class: "jwstmq-muted" }, [type, unit].filter(Boolean).join(", ")),
          h("span", { class: "jwstmq-adql-meaning", title: description }, description))));
      };
      part.addEventListener("toggle", fill);
      fill();
      return part;
    }));
    if (!groups.size) tree.append(h("div", { class: "jwstmq-muted" }, "No table or column matches."));
  }

  // -- jobs ----------------------------------------------------------------------------------------------------------
  const jobList = h("div", { class: "jwstmq-adql-joblist" });
  const jobsProblem = problemLine();
  const saveProblem = problemLine();
  const saved = h("div", { class: "jwstmq-muted", hidden: true });
  const jobsPart = h("details", { class: "jwstmq-adql-jobs", ontoggle: () => { if (jobsPart.open) send("jobs"); } },
    h("summary", {}, "Jobs"), jobsProblem, saveProblem, saved, jobList);
  let drawnJobs = "";
  function drawJobs(jobs) {
    const now = JSON.stringify(jobs);
    if (now === drawnJobs) return;
    drawnJobs = now;
    if (!jobs || !jobs.length) {
      jobList.replaceChildren(h("div", { class: "jwstmq-muted" }, jobs ? "The archive keeps no jobs of yours." : "Asking the archive …"));
      return;
    }
    jobList.replaceChildren(...jobs.map(([job, name, phase, created, query]) => {
      const path = h("input", { type: "text", value: `${name.replace(/[^\w-]+/g, "_") || job}.vot`, "aria-label": "File to save to" });
      const saving = h("form", { class: "jwstmq-adql-saving", hidden: true }, path, h("button", { type: "submit" }, "Save"));
      saving.addEventListener("submit", (event) => {
        event.preventDefault();
        send("save", { job, path: path.value });
        saving.hidden = true;
      });
      submitOnEnter(saving);
      return h("div", { class: "jwstmq-adql-job" },
        h("span", { class: "jwstmq-adql-jobname", title: `${job}\n${query}` }, name || job),
        h("span", { class: `jwstmq-adql-phase jwstmq-adql-${phase.toLowerCase().replace(/\W/g, "")}` }, phase.toLowerCase()),
        h("span", { class: "jwstmq-muted jwstmq-adql-created" }, created.slice(0, 19).replace("T", " ")),
        h("span", { class: "jwstmq-adql-jobacts" },
          h("button", { type: "button", class: "jwstmq-plain jwstmq-link", onclick: () => send("open", { job }) }, "Open"),
          h("button", { type: "button", class: "jwstmq-plain jwstmq-link", onclick: () => { saving.hidden = !saving.hidden; } }, "Save …"),
          h("button", { type: "button", class: "jwstmq-plain jwstmq-link", onclick: () => send("remove", { job }) }, "Remove")),
        saving);
    }));
  }

  // -- the rows ------------------------------------------------------------------------------------------------------
  const summary = h("span", { class: "jwstmq-adql-summary" });
  const products = h("button", { type: "button", onclick: () => send("products") }, "Show as products");
  const code = h("button", { type: "button", title: "Code for a new cell that gives this table", onclick: () => copy() }, "Copy code");
  const open = h("button", { type: "button", title: "As an astropy Table, below this cell", onclick: () => send("cell") }, "Open in a new cell");
  const opened = h("span", { class: "jwstmq-muted", role: "status" });
  const searching = h("span", { class: "jwstmq-muted" });
  const outcome = h("div", { class: "jwstmq-adql-outcome", hidden: true }, summary, searching, products, open, code, opened);
  const rows = h("div", { class: "jwstmq-adql-rows", tabIndex: 0, hidden: true });
  let source = "";
  async function copy() {
    code.textContent = (await toClipboard(source)) ? "Copied" : "Not copied";
    setTimeout(() => { code.textContent = "Copy code"; }, 2000);
  }

  el.append(closed,
    h("div", { class: "jwstmq-adql-bar" }, h("label", { htmlFor: text.id, class: "jwstmq-title" }, "ADQL"), examples, mode, jobName, run, doing),
    text, h("div", { class: "jwstmq-adql-wrong" }, problem, where), uploads,
    h("div", { class: "jwstmq-adql-parts" }, browser, jobsPart), outcome, rows);

  let stamp = null, problemBefore = "";
  return listen(model, el, (view) => {
    if (stamp === null || view.stamp !== stamp) text.value = view.text;
    stamp = view.stamp;
    say(closed, view.closed);
    if (examples.childElementCount !== view.examples.length + 1) {
      examples.replaceChildren(h("option", { value: "" }, "examples …"),
        ...view.examples.map(([name, query]) => h("option", { value: query }, name)));
    }
    busy = view.running;
    run.textContent = busy ? "Cancel" : "Run";
    run.classList.toggle("jwstmq-primary", !busy);
    run.disabled = !view.archive;
    doing.textContent = busy ? view.doing : view.cancelled ? "cancelled" : "";
    say(problem, view.problem);
    position = view.position;
    where.hidden = !position;
    where.textContent = position ? `line ${position[0]}, column ${position[1]}` : "";
    if (view.problem && view.problem !== problemBefore) {
      text.setAttribute("aria-invalid", "true");
      if (position) point();
    }
    if (!view.problem) text.removeAttribute("aria-invalid");
    problemBefore = view.problem;
    uploads.hidden = !view.uploads.length;
    uploads.replaceChildren("Uploads: ", ...view.uploads.map(([name, count, names]) => h("button", { type: "button",
      class: "jwstmq-plain jwstmq-link", title: names.join(", "), onclick: () => insert(`tap_upload.${name}`) },
    `tap_upload.${name} (${count.toLocaleString("en")} rows)`)));
    say(tablesProblem, view.tables);
    drawJobs(view.jobs);
    say(jobsProblem, view.jobs_problem);
    say(saveProblem, view.save_problem);
    saved.textContent = view.saved;
    saved.hidden = !view.saved;
    outcome.hidden = !view.summary;
    summary.textContent = view.summary;
    products.hidden = !view.observations;
    products.disabled = Boolean(view.searching);
    products.title = `Search for the products of ${view.observations.toLocaleString("en")} observations`;
    searching.textContent = view.searching;
    source = view.code;
    code.hidden = !source;
  }, {
    cell: ({ code: text, text: told }) => {
      opened.textContent = !text || newCell(model, el, text) ? told : `${told} Write its name into a cell.`;
      setTimeout(() => { opened.textContent = ""; }, 6000);
    },
    columns: (list) => { columns = list.length ? list : null; drawColumns(); },
    rows: (table) => {
      rows.hidden = false;
      rows.replaceChildren(h("table", {},
        h("thead", {}, h("tr", {}, table.head.map(([name, unit, description, number]) =>
          h("th", { scope: "col", title: description, class: number ? "jwstmq-number" : "" }, name,
            unit ? h("span", { class: "jwstmq-muted" }, ` ${unit}`) : null)))),
        h("tbody", {}, table.rows.map((row) => h("tr", {}, row.map((value, at) =>
          h("td", { class: table.head[at][3] ? "jwstmq-number" : "", title: value.length > 40 ? value : null }, value)))))));
    },
  });
}

export default { render };

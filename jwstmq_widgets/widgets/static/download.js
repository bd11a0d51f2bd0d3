// One line for downloads, with a second one while something runs or has just ended.
function render({ model, el }) {
  el.classList.add("jwstmq-download");
  const send = (verb, more = {}) => model.send({ do: verb, ...more });
  const summary = h("span", { class: "jwstmq-download-summary", role: "status" });
  const reason = h("span", { class: "jwstmq-muted", id: newId() });
  const destination = h("input", { type: "text", id: newId(), spellcheck: false, autocomplete: "off",
    onchange: () => send("destination", { destination: destination.value }),
    onkeydown: (event) => { if (event.key === "Enter") destination.blur(); } });
  const layout = h("select", { "aria-label": "Folders below it", onchange: () => send("layout", { layout: layout.value }) });
  const button = h("button", { type: "button", class: "jwstmq-primary jwstmq-number", "aria-describedby": reason.id,
    onclick: () => send("download") });
  const wrong = problemLine();
  wrong.id = newId();
  destination.setAttribute("aria-describedby", wrong.id);
  let edition = 0; // of the plan whose rows were asked for last
  const counts = h("tbody", {});
  const more = h("div", { class: "jwstmq-muted" });
  const table = h("div", { class: "jwstmq-download-list", hidden: true }, h("table", {},
    h("thead", {}, h("tr", {}, ["Observation", "File type", "State", "Files", "Size"].map((name) => h("th", { scope: "col" }, name)))),
    counts), more);
  const ask = later(() => { if (plan.open) send("rows"); }, 150);
  const plan = h("details", { hidden: true, ontoggle: () => ask() }, h("summary", {}, "By file type and observation"), table);

  const line = h("div", { class: "jwstmq-download-line" },
    h("div", { class: "jwstmq-download-said" }, summary, reason, plan),
    h("div", { class: "jwstmq-download-place" }, h("label", { htmlFor: destination.id }, "to"), destination, layout, button));

  const bar = progressBar("Download");
  const text = h("span", { class: "jwstmq-download-text" });
  const cancel = h("button", { type: "button", onclick: () => send("cancel") }, "Cancel");
  let rests = false;
  const pause = h("button", { type: "button", onclick: () => send(rests ? "resume" : "pause") }, "Pause");
  const files = h("summary", {});
  const list = h("div", { class: "jwstmq-download-list" });
  const running = h("div", { class: "jwstmq-download-running", hidden: true },
    h("div", { class: "jwstmq-download-bar" }, bar, text, pause, cancel), h("details", {}, files, list));
  const rows = new Map(); // name of a running file to its elements

  const sign = h("span", { "aria-hidden": "true" });
  const result = h("span", { role: "status" });
  const folder = h("span", { class: "jwstmq-download-folder" });
  const again = h("button", { type: "button", onclick: () => send("retry") });
  const dismiss = h("button", { type: "button", class: "jwstmq-plain", title: "Hide this line", "aria-label": "Hide this line",
    onclick: () => send("dismiss") }, "×");
  const why = h("div", { class: "jwstmq-download-list" });
  const whySummary = h("summary", {});
  const whyDetails = h("details", {}, whySummary, why);
  const code = h("code", { class: "jwstmq-download-path" });
  const copy = h("button", { type: "button", onclick: () => copyCode() }, "Copy");
  const load = h("div", { class: "jwstmq-download-load" }, h("pre", {}, code), copy);
  const script = keepsake("script", "Save as shell script", "Script: ");
  const page = keepsake("page", "Save MANIFEST.html", "Manifest: ");
  const trouble = problemLine();
  const use = h("details", {}, h("summary", {}, "Open in Python, save a script"), load,
    h("div", { class: "jwstmq-download-kept" }, script, page));
  const ended = h("div", { class: "jwstmq-download-ended", hidden: true },
    h("div", { class: "jwstmq-download-line" }, h("div", { class: "jwstmq-download-said" }, sign, result, folder),
      h("div", { class: "jwstmq-download-place" }, again, dismiss)),
    h("div", { class: "jwstmq-download-folds" }, whyDetails, use), trouble);
  const left = h("span", {});
  const unfinished = h("div", { class: "jwstmq-download-line", hidden: true },
    h("div", { class: "jwstmq-download-said" }, left),
    h("div", { class: "jwstmq-download-place" }, h("button", { type: "button", onclick: () => send("finish") }, "Continue it")));
  const problem = problemLine();
  let shown = null;

  function keepsake(verb, label, name) {
    const path = h("span", { class: "jwstmq-download-path" });
    const button = h("button", { type: "button", onclick: () => send(verb) }, label);
    const said = h("span", { role: "status" }, name, path);
    const place = h("span", {}, button, said);
    place.set = (written) => {
      if (path.textContent !== written) path.textContent = written;
      button.hidden = Boolean(written);
      said.hidden = !written;
    };
    place.set("");
    return place;
  }
  async function copyCode() {
    const copied = await toClipboard(code.textContent);
    if (!copied) window.getSelection().selectAllChildren(code);
    copy.textContent = copied ? "Copied" : "Selected";
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  }
  function drawRows(rows) {
    counts.replaceChildren(...rows.rows.map((row) => h("tr", {}, row.map((text) => h("td", {}, text)))));
    more.textContent = rows.more ? `and ${rows.more.toLocaleString("en")} more` : "";
    table.hidden = false;
  }
  function failure({ name, why: sentence }) {
    return h("div", { class: "jwstmq-download-failed" }, fileName(name), h("span", {}, `✕ ${sentence}`));
  }
  function drawRunning(view) {
    bar.set(view.fraction);
    text.textContent = view.text;
    rests = Boolean(view.paused);
    pause.textContent = rests ? "Continue" : "Pause";
    pause.disabled = view.paused === null;
    files.textContent = view.files || "files";
    const names = new Set(view.list.map((file) => file.name));
    for (const [name, row] of rows) {
      if (names.has(name)) continue;
      row.line.remove();
      rows.delete(name);
    }
    for (const file of view.list) {
      if (!rows.has(file.name)) {
        const small = progressBar(file.name);
        const size = h("span", { class: "jwstmq-number jwstmq-muted" });
        rows.set(file.name, { small, size, line: h("div", { class: "jwstmq-download-file" }, fileName(file.name), small, size) });
        list.prepend(rows.get(file.name).line);
      }
      const row = rows.get(file.name);
      row.small.set(file.fraction);
      row.size.textContent = file.text;
    }
    const known = list.querySelectorAll(".jwstmq-download-failed").length;
    list.append(...view.failed.slice(known).map(failure));
  }

  el.append(problem, running, ended, unfinished, line, wrong);
  return listen(model, el, (view) => {
    if (!layout.children.length) layout.append(...view.layouts.map(([value, label, title]) => h("option", { value, title }, label)));
    summary.textContent = view.summary;
    reason.textContent = view.running ? "" : view.reason;
    if (view.destination !== shown) {
      shown = view.destination;
      destination.value = shown;
    }
    layout.value = view.layout;
    button.textContent = view.fetch ? `Download ${view.fetch.toLocaleString("en")}` : "Download";
    button.disabled = Boolean(view.reason) || Boolean(view.running);
    destination.disabled = layout.disabled = Boolean(view.running);
    destination.setAttribute("aria-invalid", String(Boolean(view.wrong)));
    say(wrong, view.wrong);
    say(problem, view.problem);
    if (view.running && running.hidden) {
      list.replaceChildren();
      rows.clear();
    }
    running.hidden = !view.running;
    line.hidden = Boolean(view.running);
    if (view.running) drawRunning(view.running);
    plan.hidden = Boolean(view.running) || !view.edition;
    if (plan.open && view.edition && view.edition !== edition) ask();
    edition = view.edition;
    left.textContent = view.unfinished;
    unfinished.hidden = !view.unfinished;
    ended.hidden = !view.result;
    if (!view.result) return;
    sign.textContent = view.result.good ? "✓" : "✕";
    ended.dataset.good = String(view.result.good);
    result.textContent = view.result.text;
    folder.replaceChildren("in ", h("span", { class: "jwstmq-download-path", title: view.result.folder }, view.result.folder));
    again.textContent = `Try ${view.result.again.toLocaleString("en")} again`;
    again.hidden = !view.result.again;
    code.textContent = view.result.code;
    load.hidden = !view.result.code;
    script.set(view.result.written.script ?? "");
    page.set(view.result.written.page ?? "");
    say(trouble, view.result.problem);
    whySummary.textContent = "What failed";
    whyDetails.hidden = !view.result.failed.length;
    why.replaceChildren(...view.result.failed.map(failure));
  }, { rows: drawRows });
}

export default { render };

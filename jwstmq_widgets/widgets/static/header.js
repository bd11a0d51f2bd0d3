// What was asked, of whom and when.
function render({ model, el }) {
  el.classList.add("jwstmq-header");
  const root = () => el.closest(".jwstmq-explorer");
  const drawer = h("button", { type: "button", class: "jwstmq-plain jwstmq-drawer", "aria-expanded": "true",
    onclick: () => setDrawer(drawer.getAttribute("aria-expanded") !== "true") }, "☰ Search");
  const archive = h("select", { class: "jwstmq-header-archive", "aria-label": "Archive",
    onchange: () => model.send({ do: "archive", address: archive.value }) });
  const other = h("span", { class: "jwstmq-header-other jwstmq-muted" });
  const query = h("span", { class: "jwstmq-header-query" });
  const count = h("span", { class: "jwstmq-header-count jwstmq-muted" });
  const refresh = h("button", { type: "button", class: "jwstmq-plain", title: "Ask again", "aria-label": "Ask again",
    onclick: () => model.send({ do: "refresh" }) }, "⟳");
  const problem = problemLine();
  const again = h("button", { type: "button", hidden: true, onclick: () => model.send({ do: "open" }) }, "Try again");

  // Below 900 px the left column is a drawer; wider, style sheets show it always.
  let listening = null;
  function setDrawer(open) {
    drawer.setAttribute("aria-expanded", String(open));
    if (!root()) return;
    root().dataset.drawer = open ? "open" : "shut";
    if (listening === root()) return;
    listening = root();
    listening.addEventListener("keydown", (event) => {
      const narrow = drawer.offsetParent !== null;
      if (event.key !== "Escape" || !narrow || !event.target.closest(".jwstmq-side") || event.defaultPrevented) return;
      setDrawer(false);
      drawer.focus();
    });
  }
  function time(iso) {
    const date = new Date(iso);
    const two = (number) => String(number).padStart(2, "0");
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `;
    const today = date.toDateString() === new Date().toDateString();
    return `${today ? "" : day}${two(date.getHours())}:${two(date.getMinutes())}`;
  }

  // What an archive tells its users, and which of several did not answer: lines that can be closed, and stay closed.
  const closed = new Set();
  const notices = h("div", { class: "jwstmq-header-notices", role: "status" });
  function drawNotices(view) {
    const lines = [...view.warnings.map((text) => ["warning", text]), ...view.messages.map((text) => ["message", text])]
      .filter(([, text]) => !closed.has(text));
    notices.replaceChildren(...lines.map(([kind, text]) => {
      const line = h("div", { class: `jwstmq-notice jwstmq-notice-${kind}` }, h("span", {}, text),
        h("button", { type: "button", class: "jwstmq-plain", title: "Close", "aria-label": `Close: ${text}`, onclick: () => {
          closed.add(text);
          line.remove();
          notices.hidden = !notices.childElementCount;
        } }, "×"));
      return line;
    }));
    notices.hidden = !lines.length;
  }

  let answered = null;
  el.append(h("div", { class: "jwstmq-header-line" }, drawer, archive, other, query, count, refresh),
    h("div", { class: "jwstmq-header-problem" }, problem, again), notices);
  return listen(model, el, (view) => {
    const options = JSON.stringify(view.archives);
    if (archive.dataset.options !== options) {
      archive.dataset.options = options;
      archive.replaceChildren(...view.archives.map(([value, label]) => h("option", { value }, label)));
    }
    archive.value = view.address;
    archive.title = view.opening ? "Opening …" : view.address;
    other.textContent = view.other ? `shown: ${view.other}` : "";
    other.title = view.other;
    other.hidden = !view.other;
    if (view.as_of !== answered) closed.clear();
    drawNotices(view);
    query.textContent = view.query;
    query.title = view.query;
    count.textContent = view.count ? `${view.count} · as of ${time(view.as_of)}` : "";
    count.title = view.as_of ? `The archive's answer of ${view.as_of.slice(0, 19)} UTC` : "";
    refresh.hidden = !view.count;
    refresh.disabled = view.searching;
    say(problem, view.problem);
    again.hidden = !view.problem;
    if (view.as_of !== answered) setDrawer(!view.as_of);
    answered = view.as_of;
  });
}

export default { render };

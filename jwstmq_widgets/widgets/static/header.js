// What was asked, of whom and when.
function render({ model, el }) {
  el.classList.add("jwstmq-header");
  const root = () => el.closest(".jwstmq-explorer");
  const drawer = h("button", { type: "button", class: "jwstmq-plain jwstmq-drawer", "aria-expanded": "true",
    onclick: () => setDrawer(drawer.getAttribute("aria-expanded") !== "true") }, "☰ Search");
  const archive = h("span", { class: "jwstmq-title" });
  const query = h("span", { class: "jwstmq-header-query" });
  const count = h("span", { class: "jwstmq-header-count jwstmq-muted" });
  const refresh = h("button", { type: "button", class: "jwstmq-plain", title: "Ask again", "aria-label": "Ask again",
    onclick: () => model.send({ do: "refresh" }) }, "⟳");
  const problem = problemLine();
  const again = h("button", { type: "button", hidden: true, onclick: () => model.send({ do: "open" }) }, "Try again");

  // Below 900 px the left column is a drawer; wider, style sheets show it always.
  function setDrawer(open) {
    drawer.setAttribute("aria-expanded", String(open));
    if (root()) root().dataset.drawer = open ? "open" : "shut";
  }
  function time(iso) {
    const date = new Date(iso);
    const two = (number) => String(number).padStart(2, "0");
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `;
    const today = date.toDateString() === new Date().toDateString();
    return `${today ? "" : day}${two(date.getHours())}:${two(date.getMinutes())}`;
  }

  let answered = null;
  el.append(h("div", { class: "jwstmq-header-line" }, drawer, archive, query, count, refresh),
    h("div", { class: "jwstmq-header-problem" }, problem, again));
  return listen(model, el, (view) => {
    archive.textContent = view.archive;
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

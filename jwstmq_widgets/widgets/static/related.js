// What the observation in focus was made from and used in: a line that unfolds to names.
function render({ model, el }) {
  el.classList.add("jwstmq-related");
  const title = h("span", { class: "jwstmq-related-title" });
  const problem = problemLine();
  const lists = h("div", { class: "jwstmq-related-lists" });
  const whole = h("details", { hidden: true }, h("summary", {}, title), problem, lists);
  el.append(whole);
  return listen(model, el, (view) => {
    whole.hidden = !view.observation;
    const found = view.groups.filter(([, count]) => count);
    const counts = view.working ? "asking …" : view.problem ? "" : found.length
      ? found.map(([relation, count]) => `${relation} ${count.toLocaleString("en")}`).join(" · ") : "no relations";
    title.textContent = `${view.observation}  ${counts}`;
    title.title = view.observation;
    say(problem, view.problem);
    lists.replaceChildren(...found.map(([relation, count, names]) => h("div", {},
      h("div", { class: "jwstmq-related-head" }, h("span", { class: "jwstmq-title" }, relation),
        h("button", { type: "button", class: "jwstmq-plain jwstmq-link",
          onclick: () => model.send({ do: "search", observations: names }) }, `Search ${names.length === 1 ? "it" : `these ${names.length.toLocaleString("en")}`}`),
        names.length < count ? h("span", { class: "jwstmq-muted" }, `the first of ${count.toLocaleString("en")}`) : null),
      h("div", { class: "jwstmq-related-names" }, names.map((name) => h("button", { type: "button", class: "jwstmq-plain",
        title: `Look at the relations of ${name}`, onclick: () => model.send({ do: "look", observation: name }) }, fileName(name)))))));
  });
}

export default { render };

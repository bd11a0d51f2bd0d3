// The tabs of the Explorer: one of its parts in front. Style sheets hide the others by the name on the Explorer.
function render({ model, el }) {
  el.classList.add("jwstmq-tabs");
  const list = h("div", { role: "tablist", "aria-label": "Files and pictures" });
  const tabs = new Map(); // name to its button

  function choose(name, focus) {
    const root = el.closest(".jwstmq-explorer");
    if (root) root.dataset.tab = name;
    for (const [other, tab] of tabs) {
      const front = other === name;
      tab.button.setAttribute("aria-selected", String(front));
      tab.button.tabIndex = front ? 0 : -1;
      const part = root && root.querySelector(`.jwstmq-tab-${other}`);
      if (part) {
        part.id = part.id || newId();
        part.setAttribute("role", "tabpanel");
        part.setAttribute("aria-label", tab.label);
        tab.button.setAttribute("aria-controls", part.id);
      }
    }
    if (focus) tabs.get(name).button.focus();
  }
  list.addEventListener("keydown", (event) => {
    const names = [...tabs.keys()];
    const now = names.findIndex((name) => tabs.get(name).button === document.activeElement);
    const place = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: -1 }[event.key];
    if (place === undefined) return;
    event.preventDefault();
    choose(names.at(place % names.length), true);
  });

  el.append(list);
  return listen(model, el, (view) => {
    for (const [name, label, number] of view.tabs) {
      if (!tabs.has(name)) {
        const count = h("span", { class: "jwstmq-muted" });
        const words = h("span", { class: "jwstmq-tabs-label", "data-label": label }, label);
        const button = h("button", { type: "button", role: "tab", onclick: () => choose(name) }, words, count);
        tabs.set(name, { button, count, label });
        list.append(button);
      }
      tabs.get(name).count.textContent = number;
    }
    for (const [name, tab] of tabs) {
      if (view.tabs.some(([other]) => other === name)) continue;
      tab.button.remove();
      tabs.delete(name);
    }
    if (!list.querySelector("[aria-selected=true]")) choose(view.tabs[0][0]);
  });
}

export default { render };

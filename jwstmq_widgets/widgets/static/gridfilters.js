// Filters of columns. The kernel filters; here a filter is nothing but the text that was typed.
class TypedFilter {
  init() {
    this.gui = element("div");
    this.typed = "";
  }
  getGui() {
    return this.gui;
  }
  isFilterActive() {
    return this.typed.trim() !== "";
  }
  doesFilterPass() {
    return true;
  }
  getModel() {
    return this.isFilterActive() ? this.typed : null;
  }
  setModel(typed) {
    this.typed = typed || "";
  }
}

class FilterBox {
  init(params) {
    const { name, title, example } = params.jwstmq; // AG Grid copies what stands here: not the grid itself
    this.gui = element("input", "jwstmq-grid-filter");
    this.gui.type = "text";
    this.gui.spellcheck = false;
    this.gui.dataset.column = name;
    this.gui.dataset.title = `Filter ${title}, for example: ${example}`;
    this.gui.title = this.gui.dataset.title;
    this.gui.setAttribute("aria-label", `Filter ${title}`);
    this.gui.placeholder = name === grid.columns[0].name ? "filter" : "";
    const apply = later(grid, () => {
      params.parentFilterInstance((filter) => filter.setModel(this.gui.value));
      grid.api.onFilterChanged();
    }, TYPING);
    this.gui.addEventListener("input", apply);
    this.gui.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.gui.value) return;
      event.stopPropagation();
      this.gui.value = "";
      apply();
    });
  }
  onParentModelChanged(typed) {
    if (document.activeElement !== this.gui || !typed) this.gui.value = typed || "";
  }
  getGui() {
    return this.gui;
  }
}

function showProblems(grid, problems) {
  for (const input of gridDiv.querySelectorAll(".jwstmq-grid-filter")) {
    const problem = problems[input.dataset.column];
    input.classList.toggle("jwstmq-grid-wrong", Boolean(problem));
    input.setAttribute("aria-invalid", String(Boolean(problem)));
    input.title = problem || input.dataset.title;
  }
  grid.say(Object.values(problems).join(" "));
}

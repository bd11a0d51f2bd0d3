// The rail of facets beside the rows, and the chips of all that narrows them.
const RAIL_ROOM = 860; // px of width from which the rail stands beside the rows instead of over them
const RAIL_OPEN = 1300; // px of width from which it is open at first

function makeFacets(grid) {
  const rail = element("div", "jwstmq-grid-rail");
  rail.setAttribute("role", "group");
  rail.setAttribute("aria-label", "Facets");
  rail.hidden = true;
  const toggle = button("Facets", "Narrow by instrument, detector, filter …", () => set(rail.hidden, true));
  toggle.classList.add("jwstmq-grid-toggle");
  const badge = element("span", "jwstmq-grid-badgecount");
  toggle.append(badge);
  toggle.setAttribute("aria-expanded", "false");
  const wants = {}; // facet to what is wanted of its list
  let beside = false;
  let drawn = "";

  function ask() {
    grid.send({ type: "rail", wants: rail.hidden ? null : wants });
  }
  function set(open, byUser) {
    if (rail.hidden !== open) return;
    rail.hidden = !open;
    toggle.setAttribute("aria-expanded", String(open));
    if (byUser && beside) grid.columnsOf.rail = open;
    ask();
    if (byUser && open) rail.querySelector("button")?.focus({ preventScroll: true });
    if (byUser && !open) toggle.focus();
  }
  // Where there is no room beside the rows, the rail lies over them, and goes when the user is elsewhere.
  function layOut(width) {
    if (!width) return;
    const now = width >= RAIL_ROOM;
    rail.classList.toggle("jwstmq-grid-over", !now);
    if (now === beside && drawn !== "") return;
    beside = now;
    drawn = drawn || " ";
    set(beside && (grid.columnsOf.rail ?? width >= RAIL_OPEN), false);
  }
  rail.addEventListener("keydown", (event) => {
    const all = [...rail.querySelectorAll("button, input")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && !beside) {
      event.stopPropagation();
      set(false, true);
    } else if (step) {
      event.preventDefault();
      all[Math.min(Math.max(all.indexOf(document.activeElement) + step, 0), all.length - 1)]?.focus();
    }
  });
  const outside = (event) => {
    if (!beside && !rail.hidden && !rail.contains(event.target) && !toggle.contains(event.target)) set(false, false);
  };
  document.addEventListener("pointerdown", outside, true);
  grid.endings.push(() => document.removeEventListener("pointerdown", outside, true));

  function option(name, [value, words, number, size, chosen]) {
    const made = button("", `${plain(words)}: ${count(number)} files, ${size}`, () => {
      grid.send({ type: "facet", name, value, on: made.getAttribute("aria-checked") !== "true" });
      made.setAttribute("aria-checked", String(made.getAttribute("aria-checked") !== "true"));
    }, "jwstmq-grid-value");
    made.setAttribute("role", "checkbox");
    made.setAttribute("aria-checked", String(chosen));
    made.dataset.key = `${name} ${value}`;
    if (!number) made.classList.add("jwstmq-grid-none");
    const label = write(element("span", "jwstmq-grid-words"), words);
    made.append(
      element("span", "jwstmq-grid-box"),
      label,
      element("span", "jwstmq-grid-number", count(number)),
      element("span", "jwstmq-grid-bytes", size)
    );
    return made;
  }

  function section(facet) {
    const made = element("div", "jwstmq-grid-facet");
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", facet.title);
    const head = element("div", "jwstmq-grid-facethead");
    head.append(element("span", "", facet.title));
    if (facet.values.some((item) => item[4])) {
      head.append(button("all", `Lift the choice of ${facet.title.toLowerCase()}`, () =>
        grid.send({ type: "facet", name: facet.name })
      ));
    }
    made.append(head);
    if (facet.open && facet.total > 20) {
      const find = element("input", "jwstmq-grid-filter");
      find.type = "text";
      find.placeholder = "find";
      find.dataset.key = `find ${facet.name}`;
      find.setAttribute("aria-label", `Find in ${facet.title}`);
      find.value = wants[facet.name]?.find || "";
      find.addEventListener("input", later(grid, () => {
        wants[facet.name] = { ...wants[facet.name], find: find.value };
        ask();
      }, TYPING));
      made.append(find);
    }
    const values = facet.values.map((item) => option(facet.name, item));
    for (const other of values.slice(1)) other.tabIndex = -1; // Tab goes from facet to facet, arrows to each value
    made.append(...values);
    if (facet.more || facet.open) {
      const text = facet.open ? "fewer" : `${count(facet.more)} more …`;
      const more = button(text, facet.open ? "Show the largest only" : "Show more values", () => {
        wants[facet.name] = facet.open ? {} : { all: true };
        ask();
      });
      more.dataset.key = `more ${facet.name}`;
      made.append(more);
      if (facet.open && facet.more) made.append(element("span", "jwstmq-grid-dim", `${count(facet.more)} not shown`));
    }
    return made;
  }

  function draw(facets) {
    const now = JSON.stringify(facets);
    if (now === drawn) return;
    drawn = now;
    const focused = rail.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const caret = document.activeElement.selectionStart;
    const top = rail.scrollTop;
    rail.replaceChildren(...facets.map(section));
    if (!facets.length) rail.append(element("div", "jwstmq-grid-dim", "Nothing to choose among."));
    rail.scrollTop = top;
    const again = focused && [...rail.querySelectorAll("[data-key]")].find((item) => item.dataset.key === focused);
    again?.focus({ preventScroll: true });
    if (again && again.setSelectionRange && caret !== undefined) again.setSelectionRange(caret, caret);
  }

  return { rail, toggle, draw, layOut, ask, setCount(number) {
    badge.textContent = number ? String(number) : "";
  } };
}

// One chip for each thing that narrows the rows, with a cross that lifts it.
function makeChips(grid) {
  const line = element("div", "jwstmq-grid-chips");
  line.setAttribute("role", "group");
  line.setAttribute("aria-label", "What narrows the rows");
  line.hidden = true;
  const clear = button("Clear filters", `Show all ${grid.many} again`, () => grid.dropFilters());
  let drawn = "";

  function chip({ text, lift }) {
    const made = element("span", "jwstmq-grid-chip");
    const label = write(element("span", "jwstmq-grid-chiptext"), text);
    label.title = plain(text);
    const cross = button("×", `Lift: ${plain(text)}`, lift, "jwstmq-grid-cross");
    cross.setAttribute("aria-label", `Lift ${plain(text)}`);
    made.append(label, cross);
    return made;
  }

  return {
    line,
    draw(chosen) {
      const filters = grid.api ? Object.entries(grid.api.getFilterModel()) : [];
      const search = grid.search.value.trim();
      const now = JSON.stringify([chosen, filters, search]);
      if (now === drawn) return;
      drawn = now;
      const chips = chosen.map((item) => ({
        text: item.text,
        lift: () =>
          grid.send(
            item.kind === "facet"
              ? { type: "facet", name: item.name, ...("value" in item ? { value: item.value, on: false } : {}) }
              : { type: "lift", kind: item.kind }
          ),
      }));
      for (const [name, typed] of filters) {
        const column = grid.columns.find((item) => item.name === name);
        chips.push({ text: `${column.title}: ${typed}`, lift: () => grid.liftFilter(name) });
      }
      if (search) chips.push({ text: `“${search}”`, lift: () => grid.liftSearch() });
      line.replaceChildren(...chips.map(chip), ...(chips.length ? [clear] : []));
      line.hidden = !chips.length;
    },
  };
}

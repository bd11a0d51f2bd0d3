// Columns: which, in which order, how wide; what the user has chosen is sent to the kernel, which remembers it.
const SCROLL_BAR = 18; // px
const NAME_MIN_WIDTH = 160; // px; reached only in grids narrower than 500 px
const TICK_WIDTH = 34; // px

function makeColumns(grid) {
  const { columns, model } = grid;
  const byName = new Map(columns.map((column) => [column.name, column]));
  const first = columns[0].name;
  let chosen = readChosen();
  let applying = false;
  let lacking = new Set(grid.lacking); // columns that the table does not have

  function readChosen() {
    const kept = model.get("_chosen_columns") || {};
    return {
      order: kept.order || [],
      hidden: new Set(kept.hidden || []),
      added: new Set(kept.added || []),
      widths: { ...kept.widths },
      rail: kept.rail ?? null,
    };
  }
  function plainChoice() {
    return { ...chosen, hidden: [...chosen.hidden], added: [...chosen.added] };
  }
  let untold = false; // whether the kernel does not know yet what is chosen here
  let awaited = ""; // the stamp of the last choice made here, until the kernel has answered it
  let told = 0;
  const tellSoon = later(grid, () => {
    untold = false;
    told += 1;
    awaited = `${grid.self} ${told}`;
    if (!grid.send({ type: "columns", chosen: plainChoice(), stamp: awaited })) awaited = "";
  }, 300);
  function keep() {
    untold = true;
    tellSoon();
  }

  const cells = Object.fromEntries(
    Object.entries(grid.painters).map(([kind, paint]) => [kind, cellOf(`jwstmq-grid-cell jwstmq-grid-${kind}`, paint)])
  );
  const wanted = (column) => !lacking.has(column.name)
    && (column.optional ? chosen.added.has(column.name) : !chosen.hidden.has(column.name));
  const widthOf = (column) => chosen.widths[column.name] || column.width;

  function ordered() {
    const place = new Map(chosen.order.map((name, number) => [name, number]));
    const usual = new Map(columns.map((column, number) => [column.name, number]));
    return [...columns].sort((one, two) => {
      const [a, b] = [place.get(one.name), place.get(two.name)];
      return a !== undefined && b !== undefined ? a - b : usual.get(one.name) - usual.get(two.name);
    });
  }

  function definition(column, sorted, shown) {
    const order = sorted.get(column.name);
    const made = {
      colId: column.name,
      field: column.name,
      headerName: column.title,
      headerTooltip: column.meaning,
      minWidth: Math.min(column.width, 56),
      width: widthOf(column),
      hide: !shown.has(column.name),
      sortable: true,
      resizable: true,
      suppressMenu: true,
      filter: TypedFilter,
      floatingFilter: true,
      floatingFilterComponent: FilterBox,
      floatingFilterComponentParams: { suppressFilterButton: true, jwstmq: column },
      ...(FORMATS[column.kind] ? plainCell(column.kind, cells.text) : { cellRenderer: cells[column.kind] }),
    };
    if (column.name === first) {
      Object.assign(made, { minWidth: NAME_MIN_WIDTH }, chosen.widths[first] ? {} : { flex: 1 });
    }
    if (["size", "number", "real"].includes(column.kind)) made.headerClass = "ag-right-aligned-header";
    if (order) Object.assign(made, { sort: order.descending ? "desc" : "asc", sortIndex: order.place });
    return made;
  }

  // Columns that do not fit are left out, the least telling first, so that no second scroll bar is needed. What the
  // user has added, sorted or filtered by stays.
  function fitting(width, used) {
    const kept = new Set([...chosen.added, ...used]);
    const here = columns.filter((column) => wanted(column) || kept.has(column.name));
    const always = (column) => !column.rank || kept.has(column.name);
    let left = width - TICK_WIDTH - SCROLL_BAR;
    for (const column of here.filter(always)) left -= widthOf(column);
    const shown = new Set(here.filter(always).map((column) => column.name));
    for (const column of here.filter((item) => !always(item)).sort((one, two) => one.rank - two.rank)) {
      if (left < widthOf(column)) continue; // a narrower one may still fit
      left -= widthOf(column);
      shown.add(column.name);
    }
    return shown;
  }

  function fit() {
    const width = gridDiv.clientWidth;
    if (!width || !grid.api) return;
    const state = gridOptions.columnApi.getColumnState().filter((item) => byName.has(item.colId));
    const shown = fitting(width, used());
    const wrong = state.filter((item) => shown.has(item.colId) === Boolean(item.hide)).map((item) => item.colId);
    applying = true;
    for (const on of [true, false]) {
      const names = wrong.filter((name) => shown.has(name) === on);
      if (names.length) gridOptions.columnApi.setColumnsVisible(names, on);
    }
    applying = false;
  }

  // The columns that are sorted or filtered by.
  function used() {
    const sorted = gridOptions.columnApi.getColumnState().filter((item) => item.sort).map((item) => item.colId);
    return [...sorted, ...Object.keys(grid.api.getFilterModel())];
  }

  // Bring the grid to what is chosen: after a reset, a choice in the menu, or one in another view of this grid.
  function apply() {
    applying = true;
    gridOptions.columnApi.applyColumnState({
      state: [
        { colId: "tick" },
        ...ordered().map((column) => ({
          colId: column.name,
          width: widthOf(column),
          flex: column.name === first && !chosen.widths[first] ? 1 : null,
        })),
      ],
      applyOrder: true,
    });
    applying = false;
    fit();
    grid.columnsChanged();
  }

  function take(change) {
    change(chosen);
    apply();
    keep();
  }

  function fill(panel) {
    const shown = new Set(visible());
    const list = element("div", "jwstmq-grid-options");
    panel.append(element("div", "jwstmq-grid-popuptitle", "Columns"), list);
    for (const column of ordered().filter((item) => !lacking.has(item.name))) {
      const line = element("label", "jwstmq-grid-option");
      line.title = column.meaning;
      const check = element("input");
      check.type = "checkbox";
      check.checked = wanted(column);
      check.disabled = column.name === first;
      check.addEventListener("change", () => {
        take(() => {
          if (column.optional) chosen.added[check.checked ? "add" : "delete"](column.name);
          else chosen.hidden[check.checked ? "delete" : "add"](column.name);
        });
      });
      line.append(check, element("span", "", column.title));
      if (wanted(column) && !shown.has(column.name)) line.append(element("span", "jwstmq-grid-dim", "no room"));
      list.append(line);
    }
    panel.append(
      element("div", "jwstmq-grid-popupnote", "Drag headers to move and widen columns."),
      button("Reset columns", "The usual columns, in their usual order and width", () => {
        take(() => Object.assign(chosen, { order: [], hidden: new Set(), added: new Set(), widths: {} }));
        panel.replaceChildren();
        fill(panel);
      })
    );
  }

  function visible() {
    return gridOptions.columnApi
      .getAllDisplayedColumns()
      .map((column) => column.getColId())
      .filter((name) => name !== "tick");
  }

  return {
    fit,
    fill,
    visible,
    tickDefinition() {
      return {
        colId: "tick",
        width: TICK_WIDTH,
        minWidth: TICK_WIDTH,
        maxWidth: TICK_WIDTH,
        resizable: false,
        suppressMovable: true,
        lockPosition: "left",
        cellClass: "jwstmq-grid-tick",
        headerClass: "jwstmq-grid-tick",
        headerComponent: grid.ticks.TickHeader,
        cellRenderer: cellOf("jwstmq-grid-cell", paintTick),
      };
    },
    definitions({ sort, filters }, width) {
      const sorted = new Map(sort.map(([name, descending], place) => [name, { descending, place }]));
      const shown = fitting(width, [...sorted.keys(), ...Object.keys(filters)]);
      return ordered().map((column) => definition(column, sorted, shown));
    },
    // The columns whose cells are asked for: all that are wanted, whether or not there is room for them just now.
    asked(names = used()) {
      return columns.filter((column) => wanted(column) || names.includes(column.name)).map((column) => column.name);
    },
    moved() {
      if (applying) return;
      chosen.order = gridOptions.columnApi.getColumnState().map((item) => item.colId).filter((name) => byName.has(name));
      keep();
    },
    resized(event) {
      if (applying || !event.finished || !event.column || !/^(ui|autosize)/.test(event.source)) return;
      chosen.widths[event.column.getColId()] = Math.round(event.column.getActualWidth());
      keep();
    },
    lack(names) {
      if (names.length === lacking.size && names.every((name) => lacking.has(name))) return;
      lacking = new Set(names);
      if (grid.api) apply();
    },
    changedElsewhere() {
      if ((model.get("_chosen_columns") || {}).stamp === awaited) awaited = "";
      // Whatever comes before the answer to the last choice made here is older than it: that one counts in the end.
      if (untold || awaited) return;
      const before = JSON.stringify(plainChoice());
      chosen = readChosen();
      if (grid.api && JSON.stringify(plainChoice()) !== before) apply();
    },
    get rail() {
      return chosen.rail;
    },
    set rail(open) {
      chosen.rail = open;
      keep();
    },
  };
}

// The browser's side of the product grid. ipyaggrid evaluates this file just before it builds AG Grid, with `view`,
// `gridOptions`, `gridDiv` and `div` in reach. It gives AG Grid an infinite row model whose blocks come from the kernel
// by custom messages, draws the cells, and reports what the user does. Texts of an archive only ever become textContent.
(function (view, gridOptions, gridDiv, root) {
  "use strict";

  const model = view.model;
  const { columns, states, css } = model.get("user_params");
  const remembered = Object.assign({ sort: [], filters: {}, search: "" }, model.get("_arrangement"));
  const self = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  const BLOCK = 100;
  const PATIENCE = 2500; // ms without an answer after which the grid says that it waits
  const GONE = "The kernel that made this grid has gone. Run the cell again.";
  const TYPING = 200; // ms
  const SCROLL_BAR = 18; // px
  const NAME_END = 30; // letters
  const NAME_MIN_WIDTH = 160; // px; reached only in grids narrower than 500 px

  // -- elements -----------------------------------------------------------------------------------------------------

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function button(text, title, act) {
    const made = element("button", "jwstmq-grid-button", text);
    made.type = "button";
    made.title = title;
    made.addEventListener("click", act);
    return made;
  }

  function later(act, delay) {
    let timer;
    return () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (api) act();
      }, delay);
    };
  }

  let style = document.getElementById("jwstmq-grid-style");
  if (!style) {
    style = document.head.appendChild(element("style"));
    style.id = "jwstmq-grid-style";
  }
  style.textContent = css;

  root.classList.add("jwstmq-grid");
  // JupyterLab's shortcuts would cut and run the notebook's cells while the keyboard is in the grid. Lumino looks for
  // this mark from the focused element upwards, and JupyterLab's selectors match that element itself: it must bear it.
  root.addEventListener("focusin", (event) => {
    event.target.dataset.lmSuppressShortcuts = "true";
  });
  gridDiv.setAttribute("aria-label", "Products");

  const search = element("input", "jwstmq-grid-search");
  search.type = "search";
  search.placeholder = "Search files  ( / )";
  search.title = "Words that must all stand somewhere in a row; / comes here, Escape clears";
  search.setAttribute("aria-label", "Search files");
  search.spellcheck = false;
  search.value = remembered.search;
  const matched = element("span", "jwstmq-grid-matched");
  matched.setAttribute("role", "status");
  const clearFilters = button("Clear filters", "Show all files again", dropFilters);
  const clearTicks = button("Clear ticks", "Untick everything", () => send({ type: "clear" }));
  const space = element("span", "jwstmq-grid-space");
  const bar = element("div", "jwstmq-grid-bar");
  bar.append(search, matched, clearFilters, space, clearTicks);
  const summary = element("div", "jwstmq-grid-summary");
  const trouble = element("div", "jwstmq-grid-trouble");
  trouble.setAttribute("role", "alert");
  const empty = element("div", "jwstmq-grid-empty");
  const emptyText = element("span");
  empty.append(emptyText);
  const frame = element("div", "jwstmq-grid-frame");
  root.insertBefore(bar, gridDiv);
  root.insertBefore(frame, gridDiv);
  frame.append(gridDiv, empty);
  root.append(summary, trouble);
  for (const part of [clearFilters, clearTicks, empty, trouble]) part.hidden = true;

  // -- what is known of the kernel's side ---------------------------------------------------------------------------

  const waiting = new Map(); // request number to AG Grid's parameters
  let requests = 0;
  let table = -1; // number of the kernel's table that the rows belong to
  let total = 0; // rows in the table
  let count = 0; // rows that pass
  let countTicked = 0; // of these, ticked
  let fresh = true; // whether the next request is to be worked out anew
  let anchor = null; // row of the last tick, where a range begins
  let seen = "";
  let api = null;
  let impatient = 0;

  function send(content) {
    if (model.comm_live) model.send(Object.assign({ view: self, table }, content), {});
    else say(GONE);
    return Boolean(model.comm_live);
  }

  function say(text) {
    trouble.textContent = text;
    trouble.hidden = !text;
  }

  function expect() {
    clearTimeout(impatient);
    impatient = setTimeout(() => {
      if (!waiting.size) return;
      say(model.comm_live ? "Waiting for the kernel, which is busy with a cell …" : GONE);
    }, PATIENCE);
  }

  const datasource = {
    getRows(params) {
      requests += 1;
      waiting.set(requests, params);
      const sent = send({
        type: "rows",
        request: requests,
        start: params.startRow,
        stop: params.endRow,
        sort: params.sortModel.map((item) => [item.colId, item.sort === "desc"]),
        filters: params.filterModel,
        search: search.value,
        fresh,
      });
      fresh = false;
      if (sent) expect();
      else {
        waiting.delete(requests);
        params.failCallback();
      }
    },
  };

  function reload() {
    fresh = true;
    anchor = null;
    waiting.clear();
    api.purgeInfiniteCache();
  }

  const searchAgain = later(() => {
    if (count) api.ensureIndexVisible(0, "top");
    reload();
  }, TYPING);

  function dropFilters() {
    search.value = "";
    if (api.isAnyFilterPresent()) api.setFilterModel(null);
    else reload();
  }

  // -- answers ------------------------------------------------------------------------------------------------------

  function rowsOf(block) {
    const names = Object.keys(block);
    return block.uri.map((_, place) => Object.fromEntries(names.map((name) => [name, block[name][place]])));
  }

  const receivers = {
    rows(message, buffers) {
      const params = waiting.get(message.request);
      if (message.view !== self || !params) return;
      waiting.delete(message.request);
      say("");
      table = message.table;
      count = message.matched;
      countTicked = message.matched_ticked;
      showProblems(message.problems);
      const rows = rowsOf(JSON.parse(new TextDecoder().decode(buffers[0])));
      params.successCallback(rows, count);
      showSums(message);
      look();
    },
    state(message) {
      showSums(message);
      if (message.table !== table) {
        if (table >= 0 && !waiting.size) reload();
        return;
      }
      if (self in message.views) countTicked = message.views[self];
      const marks = new Map(rowsOf(message.marks).map((mark) => [mark.uri, mark]));
      repaint((data) => marks.get(data.uri));
    },
    trouble(message) {
      if (message.view && message.view !== self) return;
      const params = waiting.get(message.request);
      if (params) {
        waiting.delete(message.request);
        params.failCallback();
      }
      say(message.text);
    },
  };

  function receive(message, buffers) {
    const receiver = receivers[message.type];
    if (receiver && api) receiver(message, buffers);
  }

  // Give rows other ticks and states, and draw those that are in sight.
  function repaint(change) {
    const changed = [];
    api.forEachNode((node) => {
      const mark = node.data && change(node.data);
      if (!mark) return;
      const differs = Object.keys(mark).some((name) => node.data[name] !== mark[name]);
      if (!differs) return;
      Object.assign(node.data, mark);
      changed.push(node);
    });
    if (changed.length) api.refreshCells({ rowNodes: changed, columns: ["tick", "state"], force: true });
    for (const node of changed) markRow(node);
    paintHeader();
  }

  function markRow(node) {
    for (const row of gridDiv.querySelectorAll(`.ag-row[row-index="${node.rowIndex}"]`)) {
      row.classList.toggle("jwstmq-grid-ticked", Boolean(node.data && node.data.ticked));
    }
  }

  function showSums(message) {
    total = message.files;
    summary.textContent = message.summary;
    clearTicks.hidden = !message.ticks;
    const filtered = Boolean(search.value.trim()) || (api && api.isAnyFilterPresent());
    clearFilters.hidden = !filtered;
    matched.textContent = filtered && total ? `${count.toLocaleString("en")} match` : "";
    const text = !total ? message.empty : filtered && !count && !waiting.size ? "No file matches the filters." : "";
    emptyText.textContent = text;
    empty.hidden = !text;
    frame.classList.toggle("jwstmq-grid-nothing", !total);
    search.disabled = !total;
    paintHeader();
  }

  function showProblems(problems) {
    for (const input of gridDiv.querySelectorAll(".jwstmq-grid-filter")) {
      const problem = problems[input.dataset.column];
      input.classList.toggle("jwstmq-grid-wrong", Boolean(problem));
      input.setAttribute("aria-invalid", String(Boolean(problem)));
      input.title = problem || input.dataset.title;
    }
    say(Object.values(problems).join(" "));
  }

  // Tell the kernel which rows are in sight: it keeps their ticks and states up to date.
  const look = later(() => {
    if (!count) return;
    const places = api.getRenderedNodes().map((node) => node.rowIndex);
    if (!places.length) return;
    const range = { first: Math.min(...places), last: Math.max(...places) };
    const now = `${table} ${range.first} ${range.last}`;
    if (now === seen) return;
    seen = now;
    send(Object.assign({ type: "visible" }, range));
  }, 60);

  // -- ticks --------------------------------------------------------------------------------------------------------

  function tick(node, ranged) {
    if (!node || !node.data) return;
    const on = !node.data.ticked;
    if (ranged && anchor !== null && anchor !== node.rowIndex) {
      const [first, last] = [Math.min(anchor, node.rowIndex), Math.max(anchor, node.rowIndex)];
      send({ type: "range", first, last, on });
      const inside = new Set();
      api.forEachNode((other) => {
        if (other.data && other.rowIndex >= first && other.rowIndex <= last) inside.add(other.data.uri);
      });
      repaint((data) => (inside.has(data.uri) ? { ticked: Number(on) } : null));
    } else {
      send({ type: "tick", uri: node.data.uri, on });
      repaint((data) => (data.uri === node.data.uri ? { ticked: Number(on) } : null));
    }
    anchor = node.rowIndex;
  }

  function tickAll() {
    const on = countTicked < count;
    send({ type: "all", on });
    countTicked = on ? count : 0;
    repaint(() => ({ ticked: Number(on) }));
  }

  function box(label) {
    const made = element("span", "jwstmq-grid-box");
    made.setAttribute("role", "checkbox");
    made.setAttribute("aria-label", label);
    return made;
  }

  const headers = new Set();

  class TickHeader {
    init() {
      this.gui = box("Tick all files that match");
      this.gui.tabIndex = 0;
      this.gui.addEventListener("click", tickAll);
      this.gui.addEventListener("keydown", (event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        tickAll();
      });
      headers.add(this);
      this.paint();
    }
    paint() {
      const checked = !countTicked ? "false" : countTicked < count ? "mixed" : "true";
      this.gui.setAttribute("aria-checked", checked);
      const number = count.toLocaleString("en");
      this.gui.title = checked === "true" ? `Untick these ${number} files` : `Tick all ${number} files that match`;
    }
    getGui() {
      return this.gui;
    }
    refresh() {
      return true;
    }
    destroy() {
      headers.delete(this);
    }
  }

  function paintHeader() {
    for (const header of headers) header.paint();
  }

  // -- cells --------------------------------------------------------------------------------------------------------

  // A cell component that paints its own element again on each refresh.
  function cell(className, paint) {
    return class {
      init(params) {
        this.gui = element("span", className);
        this.refresh(params);
      }
      refresh(params) {
        this.gui.replaceChildren();
        this.gui.removeAttribute("title");
        if (params.data) paint(this.gui, params.data, params.colDef.field);
        return true;
      }
      getGui() {
        return this.gui;
      }
    };
  }

  const paintTick = (gui, data) => {
    const drawn = box(`Tick ${data.file}`);
    drawn.setAttribute("aria-checked", String(Boolean(data.ticked)));
    gui.append(drawn);
  };

  const painters = {
    // The end of a name tells the most (exposure, detector, suffix): what does not fit is left out before it.
    name(gui, data, field) {
      const name = data[field];
      const cuts = [...name.matchAll(/_/g)].map((match) => match.index);
      const cut = cuts.slice(-3).find((place) => name.length - place <= NAME_END) ?? Math.max(name.length - NAME_END, 0);
      gui.append(
        element("span", "jwstmq-grid-head", name.slice(0, cut)),
        element("span", "jwstmq-grid-tail", name.slice(cut))
      );
      gui.title = name;
    },
    text(gui, data, field) {
      gui.textContent = data[field];
      gui.title = data[field];
    },
    number(gui, data, field) {
      gui.textContent = data[field] === null ? "" : String(data[field]);
    },
    size(gui, data, field) {
      gui.textContent = data[field];
      if (data[field] === "–") gui.title = "The archive does not say how large this file is";
    },
    access(gui, data) {
      const badge = element("span", "jwstmq-grid-badge");
      badge.dataset.kind = data.access;
      if (data.access === "exclusive") {
        badge.append(element("span", data.until ? "jwstmq-grid-spare" : "", "exclusive "));
        if (data.until) badge.append(`until ${data.until}`);
        gui.title = data.until
          ? `Exclusive to the program's investigators until ${data.until}`
          : "Exclusive to the program's investigators";
      } else {
        badge.textContent = data.access;
        gui.title = data.access === "planned" ? "Planned: not yet taken" : "Public: anybody may download it";
      }
      gui.append(badge);
    },
    state(gui, data) {
      gui.dataset.kind = data.state || "none";
      const word = states[data.state] || data.state;
      if (data.state === "running" || data.state === "partial") {
        const progress = element("span", "jwstmq-grid-progress");
        const done = element("span");
        done.style.width = `${data.percent}%`;
        progress.append(done);
        gui.append(progress, element("span", "jwstmq-grid-percent", `${data.percent} %`));
        gui.title = `${word}, ${data.percent} %`;
      } else {
        const sign = { here: "✓", failed: "✕", different: "≠", waiting: "…" }[data.state];
        if (sign) gui.append(element("span", "jwstmq-grid-sign", sign));
        gui.append(element("span", "", word));
        if (data.state === "different") gui.title = "Another file of this name is in the destination folder";
      }
      if (data.note) gui.title = data.note;
    },
  };

  // -- filters ------------------------------------------------------------------------------------------------------

  // The kernel filters; here a filter is nothing but the text that was typed.
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
      const { name, title, example } = params.jwstmq;
      this.gui = element("input", "jwstmq-grid-filter");
      this.gui.type = "text";
      this.gui.spellcheck = false;
      this.gui.dataset.column = name;
      this.gui.dataset.title = `Filter ${title}, for example: ${example}`;
      this.gui.title = this.gui.dataset.title;
      this.gui.setAttribute("aria-label", `Filter ${title}`);
      this.gui.placeholder = name === "file" ? "filter" : "";
      const apply = later(() => {
        params.parentFilterInstance((filter) => filter.setModel(this.gui.value));
        api.onFilterChanged();
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

  // -- AG Grid ------------------------------------------------------------------------------------------------------

  const sorted = new Map(remembered.sort.map(([name, descending], place) => [name, { descending, place }]));

  function definition(column) {
    const order = sorted.get(column.name);
    const made = {
      colId: column.name,
      field: column.name,
      headerName: column.title,
      headerTooltip: column.meaning,
      minWidth: Math.min(column.width, 56),
      width: column.width,
      sortable: true,
      resizable: true,
      suppressMenu: true,
      filter: TypedFilter,
      floatingFilter: true,
      floatingFilterComponent: FilterBox,
      floatingFilterComponentParams: { suppressFilterButton: true, jwstmq: column },
      cellRenderer: cell(`jwstmq-grid-cell jwstmq-grid-${column.kind}`, painters[column.kind]),
    };
    if (column.name === "file") Object.assign(made, { flex: 1, minWidth: NAME_MIN_WIDTH });
    if (column.kind === "size" || column.kind === "number") {
      Object.assign(made, { headerClass: "ag-right-aligned-header", cellClass: "jwstmq-grid-right" });
    }
    if (order) Object.assign(made, { sort: order.descending ? "desc" : "asc", sortIndex: order.place });
    return made;
  }

  const tickColumn = {
    colId: "tick",
    width: 34,
    minWidth: 34,
    maxWidth: 34,
    resizable: false,
    suppressMovable: true,
    lockPosition: "left",
    cellClass: "jwstmq-grid-tick",
    headerClass: "jwstmq-grid-tick",
    headerComponent: TickHeader,
    cellRenderer: cell("jwstmq-grid-cell", paintTick),
  };

  // Columns that do not fit are left out, the least telling first, so that no second scroll bar is needed.
  function fit() {
    const width = gridDiv.clientWidth;
    if (!width || !api) return;
    const kept = new Set(gridOptions.columnApi.getColumnState().filter((item) => item.sort).map((item) => item.colId));
    for (const name of Object.keys(api.getFilterModel())) kept.add(name);
    const always = (column) => !column.rank || kept.has(column.name);
    let left = width - tickColumn.width - SCROLL_BAR;
    for (const column of columns.filter(always)) left -= column.width;
    const shown = [];
    const hidden = [];
    for (const column of columns.filter((item) => !always(item)).sort((one, two) => one.rank - two.rank)) {
      left -= column.width;
      (left >= 0 ? shown : hidden).push(column.name);
    }
    gridOptions.columnApi.setColumnsVisible([...columns.filter(always).map((item) => item.name), ...shown], true);
    gridOptions.columnApi.setColumnsVisible(hidden, false);
  }

  Object.assign(gridOptions, {
    columnDefs: [tickColumn, ...columns.map(definition)],
    rowModelType: "infinite",
    cacheBlockSize: BLOCK,
    maxBlocksInCache: 40,
    maxConcurrentDatasourceRequests: 2,
    infiniteInitialRowCount: 1,
    blockLoadDebounceMillis: 30,
    rowHeight: 28,
    headerHeight: 28,
    floatingFiltersHeight: 28,
    rowClassRules: { "jwstmq-grid-ticked": (params) => Boolean(params.data && params.data.ticked) },
    enableBrowserTooltips: true,
    suppressCellFocus: false,
    suppressMultiSort: false,
    alwaysMultiSort: false,
    suppressColumnVirtualisation: true,
    suppressDragLeaveHidesColumns: true,
    suppressLoadingOverlay: true,
    suppressNoRowsOverlay: true,
    suppressPropertyNamesCheck: true,
    animateRows: false,
    onCellClicked(params) {
      if (params.column.getColId() === "tick") tick(params.node, params.event.shiftKey);
    },
    onCellDoubleClicked(params) {
      if (params.data && params.column.getColId() !== "tick") send({ type: "open", uri: params.data.uri });
    },
    onCellKeyDown(params) {
      if (params.event.key === " ") {
        params.event.preventDefault();
        tick(params.node, params.event.shiftKey);
      } else if (params.event.key === "Enter" && params.data) {
        send({ type: "open", uri: params.data.uri });
      }
    },
    onFilterChanged: fit,
    onSortChanged: fit,
    onViewportChanged: look,
    onGridReady() {
      api = gridOptions.api;
      if (Object.keys(remembered.filters).length) api.setFilterModel(remembered.filters);
      fit();
      api.setDatasource(datasource);
    },
  });

  // ipyaggrid hands its rows to setRowData right after building the grid, which this row model does not know.
  let assigned;
  Object.defineProperty(gridOptions, "api", {
    configurable: true,
    enumerable: true,
    get: () => assigned,
    set(value) {
      assigned = value;
      if (value) value.setRowData = () => {};
    },
  });

  // -- keyboard, size, end ------------------------------------------------------------------------------------------

  search.addEventListener("input", searchAgain);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && search.value) {
      search.value = "";
      searchAgain();
    } else if (event.key === "ArrowDown" && count) {
      event.preventDefault();
      api.setFocusedCell(0, "file");
    }
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  const resized = new ResizeObserver(() => requestAnimationFrame(fit));
  resized.observe(gridDiv);
  view.listenTo(model, "msg:custom", receive);
  view.listenTo(model, "change:height", () => {
    gridDiv.style.height = model.get("height");
  });
  view.listenTo(model, "comm_live_update", () => {
    if (!model.comm_live) say(GONE);
  });
  view.once("remove", () => {
    resized.disconnect();
    clearTimeout(impatient);
    send({ type: "gone" });
    const leaving = api;
    api = null;
    if (leaving) leaving.destroy();
  });
})(view, gridOptions, gridDiv, div);

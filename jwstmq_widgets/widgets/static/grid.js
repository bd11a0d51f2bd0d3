// The grid itself. ipyaggrid evaluates this just before it builds AG Grid. It gives AG Grid an infinite row model whose
// blocks come from the kernel by custom messages, and reports what the user does.
const BLOCK = 100;
const PATIENCE = 2500; // ms without an answer after which the grid says that it waits
const GONE = "The kernel that made this grid has gone. Run the cell again.";
const TOLD = 6000; // ms that a sentence about something done stays
const CALM = 1000; // ms between two new orders by state, and after the last scrolling
const model = view.model;
const { columns, lacking, states, one, many, facets: hasFacets } = model.get("user_params");
const remembered = Object.assign({ sort: [], filters: {}, search: "" }, model.get("_arrangement"));
const self = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

const grid = {
  model, self, columns, lacking, states, one, many, send, say, tell, repaint, dropFilters, liftFilter, liftSearch, columnsChanged,
  api: null,
  total: 0, // rows in the table
  count: 0, // rows that pass
  countTicked: 0, // of these, ticked
  ticksAll: 0, // ticked, wherever
  endings: [], // what is to be undone when the view goes
};
grid.painters = makePainters(states);
grid.ticks = makeTicks(grid);

// -- elements -------------------------------------------------------------------------------------------------------

let style = document.getElementById("jwstmq-grid-style");
if (!style) {
  style = document.head.appendChild(element("style"));
  style.id = "jwstmq-grid-style";
}
if (style.textContent !== css) style.textContent = css;

root.classList.add("jwstmq-grid");
// JupyterLab's shortcuts would cut and run the notebook's cells while the keyboard is in the grid. Lumino looks for
// this mark from the focused element upwards, and JupyterLab's selectors match that element itself: it must bear it.
root.addEventListener("focusin", (event) => {
  event.target.dataset.lmSuppressShortcuts = "true";
});
gridDiv.setAttribute("aria-label", many[0].toUpperCase() + many.slice(1));

const search = (grid.search = element("input", "jwstmq-grid-search"));
search.type = "search";
search.placeholder = `Search ${many}  ( / )`;
search.title = "Words that must all stand somewhere in a row's texts; / comes here, Escape clears";
search.setAttribute("aria-label", `Search ${many}`);
search.spellcheck = false;
search.value = remembered.search;
const matched = element("span", "jwstmq-grid-matched");
matched.setAttribute("role", "status");
const invert = button("Invert ticks", "Tick what is not ticked of all that match, and the other way round", grid.ticks.invert);
const clearTicks = button("Clear ticks", "Untick everything", () => send({ type: "clear" }));
const summary = element("div", "jwstmq-grid-summary");
const done = element("span", "jwstmq-grid-done");
done.setAttribute("role", "status");
const trouble = element("div", "jwstmq-grid-trouble");
trouble.setAttribute("role", "alert");
const empty = element("div", "jwstmq-grid-empty");
const emptyText = element("span");
empty.append(emptyText);
const frame = element("div", "jwstmq-grid-frame");
const sums = element("span");
summary.append(sums, invert, clearTicks, done);

grid.columnsOf = makeColumns(grid);
const facets = makeFacets(grid);
const chips = makeChips(grid);
const tip = makeTip(grid);
const preview = makePreview(grid);
const exporting = makeExport(grid);
const columnsMenu = popup(grid, "Columns ▾", "Choose columns", grid.columnsOf.fill);
const exportMenu = popup(grid, "Export ▾", "Copy, save, open in a new cell", exporting.fill);
const bar = element("div", "jwstmq-grid-bar");
bar.append(facets.toggle, search, matched, element("span", "jwstmq-grid-space"), columnsMenu, exportMenu);
facets.toggle.hidden = !hasFacets;
root.insertBefore(bar, gridDiv);
root.insertBefore(chips.line, gridDiv);
root.insertBefore(frame, gridDiv);
const rows = element("div", "jwstmq-grid-rows");
rows.append(gridDiv, empty);
frame.append(facets.rail, rows);
root.append(summary, trouble);
for (const part of [invert, clearTicks, empty, trouble]) part.hidden = true;

// A grid is built before it is in the page, where it has no width. The last one's is the best guess: where it is right,
// nothing has to be laid out twice. It is kept at the style sheet, which all grids of the page share.
const widths = (style.jwstmqWidths ||= {});
const width = (widths[one] ||= { root: 0, rows: Infinity });

function fit() {
  if (!grid.api || !gridDiv.clientWidth) return;
  Object.assign(width, { root: root.clientWidth, rows: gridDiv.clientWidth });
  if (hasFacets) facets.layOut(width.root);
  grid.columnsOf.fit();
}

// -- what is known of the kernel's side -----------------------------------------------------------------------------

const waiting = new Map(); // request number to AG Grid's parameters
let requests = 0;
let table = -1; // number of the kernel's table that the rows belong to
let newest = -1; // number of the kernel's table that was heard of last
let counted = -1; // number of the table whose facets are drawn
let fresh = true; // whether the next request is to be worked out anew
let seen = "";
let asked = ""; // the columns whose cells the rows have
let impatient = 0;
let telling = 0;
let scrolled = 0; // when the rows moved last
let reordering = 0;
let chosen = []; // chips that the kernel knows of

function send(content) {
  if (model.comm_live) model.send(Object.assign({ view: self, table }, content), {});
  else say(GONE);
  return Boolean(model.comm_live);
}

function say(text) {
  if (trouble.textContent !== text) trouble.textContent = text;
  trouble.classList.toggle("jwstmq-grid-gone", text === GONE);
  trouble.hidden = !text;
}

function tell(text) {
  clearTimeout(telling);
  done.textContent = text;
  telling = setTimeout(() => {
    done.textContent = "";
  }, TOLD);
}

function expect() {
  clearTimeout(impatient);
  impatient = setTimeout(() => {
    if (!waiting.size) return;
    say(model.comm_live ? "Waiting for the kernel, which is busy with a cell …" : GONE);
  }, PATIENCE);
}

// Ask the kernel for a block of rows, and give the number of the request; 0 where no kernel is there.
function ask({ start, stop, sort, filters }) {
  const names = grid.columnsOf.asked([...sort.map(([name]) => name), ...Object.keys(filters)]);
  asked = names.join(" ");
  const sent = send({ type: "rows", request: requests + 1, start, stop, sort, filters, search: search.value, columns: names, fresh });
  fresh = false;
  if (!sent) return 0;
  requests += 1;
  expect();
  return requests;
}

// The first block is asked for before AG Grid is built: the kernel works it out meanwhile.
let early = null;

function askEarly() {
  const { sort, filters } = remembered;
  const request = ask({ start: 0, stop: BLOCK, sort, filters });
  early = request ? { request, wants: JSON.stringify([0, BLOCK, sort, filters, search.value]), answer: null } : null;
}

// Give AG Grid's first question the answer that is here or on its way; false where it has another question.
function takeEarly(params, wants) {
  const taken = early;
  early = null;
  if (!taken || taken.wants !== JSON.stringify(wants)) return false;
  if (taken.answer && newest > taken.answer[0].table) return false; // the table has become another one meanwhile
  waiting.set(taken.request, params);
  if (taken.answer) receivers.rows(...taken.answer);
  return true;
}

const datasource = {
  getRows(params) {
    if (!grid.api) return; // the grid has gone since AG Grid made up its mind
    const sort = params.sortModel.map((item) => [item.colId, item.sort === "desc"]);
    const { startRow: start, endRow: stop, filterModel: filters } = params;
    if (takeEarly(params, [start, stop, sort, filters, search.value])) return;
    const request = ask({ start, stop, sort, filters });
    if (request) waiting.set(request, params);
    else params.failCallback();
  },
};

function reload() {
  fresh = true;
  grid.ticks.forgetAnchor();
  waiting.clear();
  grid.api.purgeInfiniteCache();
}

const searchAgain = later(grid, () => {
  if (grid.count) grid.api.ensureIndexVisible(0, "top");
  reload();
}, TYPING);

function dropFilters() {
  search.value = "";
  if (chosen.length) send({ type: "clear_choices" });
  if (grid.api.isAnyFilterPresent()) grid.api.setFilterModel(null);
  else reload();
}

function liftFilter(name) {
  const rest = { ...grid.api.getFilterModel() };
  delete rest[name];
  grid.api.setFilterModel(Object.keys(rest).length ? rest : null);
}

function liftSearch() {
  search.value = "";
  reload();
}

function columnsChanged() {
  if (grid.columnsOf.asked().join(" ") !== asked) reload();
}

// -- answers --------------------------------------------------------------------------------------------------------

function rowsOf(block) {
  const names = Object.keys(block);
  return block.uri.map((_, place) => Object.fromEntries(names.map((name) => [name, block[name][place]])));
}

const receivers = {
  rows(message, buffers) {
    if (early && message.request === early.request) early.answer = [message, buffers];
    const params = waiting.get(message.request);
    if (!params) return;
    waiting.delete(message.request);
    say("");
    table = message.table;
    grid.count = message.matched;
    grid.countTicked = message.matched_ticked;
    facets.rail.classList.toggle("jwstmq-grid-old", counted !== table);
    showProblems(grid, message.problems);
    params.successCallback(rowsOf(JSON.parse(new TextDecoder().decode(buffers[0]))), grid.count);
    showSums(message);
    look();
    preview.rowsCame();
  },
  state(message) {
    newest = message.table;
    if (!grid.api) return;
    showSums(message);
    if (message.table !== table) {
      if (table >= 0 && !waiting.size) reload();
      return;
    }
    if (self in message.views) grid.countTicked = message.views[self];
    const marks = new Map(rowsOf(message.marks).map((mark) => [mark.uri, mark]));
    repaint((data) => marks.get(data.uri));
    if (message.stale.includes(self)) orderAgain();
  },
  facets(message) {
    facets.draw(message.facets);
    counted = message.table;
    facets.rail.classList.toggle("jwstmq-grid-old", counted !== table);
  },
  explained(message) {
    tip.explained(message.name, message.fields);
    preview.explained(message.name, message.fields);
  },
  picture(message, buffers) {
    preview.received(message, buffers);
  },
  copied: exporting.copied,
  cell: exporting.cell,
  done(message) {
    tell(message.text);
  },
  trouble(message) {
    if (early && message.request === early.request) early = null;
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
  const ready = grid.api || (early && ["rows", "state", "trouble"].includes(message.type));
  if (receiver && ready && (!message.view || message.view === self)) receiver(message, buffers || []);
}

// States have changed by which the rows are sorted or filtered: ask for them again, gently and never under a scroll.
function orderAgain() {
  if (reordering) return;
  reordering = setTimeout(() => {
    reordering = 0;
    if (!grid.api) return;
    if (Date.now() - scrolled < CALM || waiting.size) {
      orderAgain();
      return;
    }
    fresh = true;
    grid.api.refreshInfiniteCache();
  }, CALM);
}

// Give rows other ticks and states, and draw those that are in sight.
function repaint(change) {
  const changed = [];
  grid.api.forEachNode((node) => {
    const mark = node.data && change(node.data);
    if (!mark) return;
    const differs = Object.keys(mark).some((name) => node.data[name] !== mark[name]);
    if (!differs) return;
    Object.assign(node.data, mark);
    changed.push(node);
  });
  if (changed.length) grid.api.refreshCells({ rowNodes: changed, columns: ["tick", "state"], force: true });
  for (const node of changed) markRow(node);
  grid.ticks.paintHeaders();
  preview.paint();
}

function markRow(node) {
  for (const row of gridDiv.querySelectorAll(`.ag-row[row-index="${node.rowIndex}"]`)) {
    row.classList.toggle("jwstmq-grid-ticked", Boolean(node.data && node.data.ticked));
  }
}

function showSums(message) {
  grid.total = message.files;
  grid.ticksAll = message.ticks;
  chosen = message.chips;
  grid.columnsOf.lack(message.lacking);
  sums.textContent = message.summary;
  for (const part of [clearTicks, invert]) part.hidden = !message.ticks;
  chips.draw(chosen);
  facets.setCount(chosen.length);
  const filtered = Boolean(search.value.trim()) || chosen.length > 0 || (grid.api && grid.api.isAnyFilterPresent());
  matched.textContent = filtered && grid.total ? `${count(grid.count)} match` : "";
  const nothing = filtered && !grid.count && !waiting.size ? `No ${one} matches the filters.` : "";
  const text = !grid.total ? message.empty : nothing;
  emptyText.textContent = text;
  empty.hidden = !text;
  root.classList.toggle("jwstmq-grid-nothing", !grid.total);
  search.disabled = !grid.total;
  grid.ticks.paintHeaders();
}

// Tell the kernel which rows are in sight: it keeps their ticks and states up to date.
const look = later(grid, () => {
  if (!grid.count) return;
  const places = grid.api.getRenderedNodes().map((node) => node.rowIndex);
  if (!places.length) return;
  const range = { first: Math.min(...places), last: Math.max(...places) };
  const now = `${table} ${range.first} ${range.last}`;
  if (now === seen) return;
  seen = now;
  send(Object.assign({ type: "visible" }, range));
}, 60);

// -- AG Grid --------------------------------------------------------------------------------------------------------

view.listenTo(model, "msg:custom", receive);
askEarly();
if (hasFacets) facets.layOut(width.root);
Object.assign(gridOptions, {
  columnDefs: [grid.columnsOf.tickDefinition(), ...grid.columnsOf.definitions(remembered, width.rows)],
  rowModelType: "infinite",
  cacheBlockSize: BLOCK,
  maxBlocksInCache: 40,
  maxConcurrentDatasourceRequests: 2,
  infiniteInitialRowCount: 1,
  rowHeight: 28,
  headerHeight: 28,
  floatingFiltersHeight: 28,
  rowClassRules: { "jwstmq-grid-ticked": (params) => Boolean(params.data && params.data.ticked) },
  enableBrowserTooltips: true,
  suppressCellFocus: false,
  suppressMultiSort: false,
  alwaysMultiSort: false,
  suppressColumnVirtualisation: true,
  ensureDomOrder: true, // columns come and go, and screen readers read them as they stand in the page
  suppressDragLeaveHidesColumns: true,
  suppressLoadingOverlay: true,
  suppressNoRowsOverlay: true,
  suppressPropertyNamesCheck: true,
  animateRows: false,
  rowBuffer: 2,
  onCellClicked(params) {
    if (params.column.getColId() === "tick") grid.ticks.tick(params.node, params.event.shiftKey);
  },
  onCellDoubleClicked(params) {
    if (params.data && params.column.getColId() !== "tick") preview.show(params.node);
  },
  onCellKeyDown(params) {
    const { event } = params;
    if (event.key === " ") {
      event.preventDefault();
      grid.ticks.tick(params.node, event.shiftKey);
    } else if (event.key === "Enter") {
      event.preventDefault();
      preview.show(params.node);
    } else if ((event.ctrlKey || event.metaKey) && event.key === "c" && !String(getSelection())) {
      exporting.copyFocused();
    }
  },
  onFilterChanged: grid.columnsOf.fit,
  onSortChanged: grid.columnsOf.fit,
  onColumnMoved: (event) => event.finished !== false && grid.columnsOf.moved(),
  onColumnResized: grid.columnsOf.resized,
  onViewportChanged: look,
  onBodyScroll() {
    scrolled = Date.now();
  },
  onGridReady() {
    grid.api = gridOptions.api;
    if (Object.keys(remembered.filters).length) grid.api.setFilterModel(remembered.filters);
    grid.api.setDatasource(datasource);
    fit();
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

// -- keyboard, size, end --------------------------------------------------------------------------------------------

search.addEventListener("input", searchAgain);
search.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && search.value) {
    search.value = "";
    searchAgain();
  } else if (event.key === "ArrowDown" && grid.count) {
    event.preventDefault();
    grid.api.setFocusedCell(0, columns[0].name);
  }
});
root.addEventListener("keydown", (event) => {
  const context = model.widget_manager?.context;
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "s" && context) {
    event.preventDefault(); // the shortcut is held off with all others: save as it would
    event.stopPropagation();
    context.save();
    return;
  }
  if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  search.focus();
  search.select();
});

const resized = new ResizeObserver(() => requestAnimationFrame(fit));
resized.observe(root);
resized.observe(gridDiv);
view.listenTo(model, "change:_chosen_columns", grid.columnsOf.changedElsewhere);
view.listenTo(model, "change:height", () => {
  gridDiv.style.height = model.get("height");
});
view.listenTo(model, "comm_live_update", () => {
  if (!model.comm_live) say(GONE);
});
view.once("remove", () => {
  resized.disconnect();
  for (const end of grid.endings) end();
  for (const timer of [impatient, telling, reordering]) clearTimeout(timer);
  send({ type: "gone" });
  const leaving = grid.api;
  grid.api = null;
  if (leaving) leaving.destroy();
});

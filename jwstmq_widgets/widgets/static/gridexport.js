// Rows that go elsewhere: the clipboard, a file beside the notebook, a new cell.
function makeExport(grid) {
  function take(message) {
    grid.send({ ...message, columns: grid.columnsOf.visible() });
  }

  function fill(panel, close) {
    const parts = [["shown", `The ${count(grid.count)} ${grid.many} that match`, grid.count]];
    parts.push(["ticked", `The ${count(grid.ticksAll)} ticked`, grid.ticksAll]);
    for (const [what, title, number] of parts) {
      const acts = [
        ["Copy for a spreadsheet", "Tab-separated, with the columns that are shown", { type: "copy", what }],
        ["Save as ECSV", "A file beside the notebook: all columns, exact, with units; astropy reads it", { type: "save", what, form: "ecsv" }],
        ["Save as CSV", "A file beside the notebook, safe to open in a spreadsheet: no cell is a formula", { type: "save", what, form: "csv" }],
        ["Open in a new cell", "As an astropy Table, below this cell", { type: "cell", what }],
      ];
      panel.append(element("div", "jwstmq-grid-popuptitle", title));
      for (const [text, meaning, message] of acts) {
        const made = button(text, meaning, () => {
          close(true);
          take(message);
        }, "jwstmq-grid-act");
        made.disabled = !number;
        panel.append(made);
      }
    }
  }

  return {
    fill,
    // Copy what stands in the focused cell, or the ticked rows.
    copyFocused() {
      if (grid.ticksAll) take({ type: "copy", what: "ticked" });
      else {
        const focused = grid.api.getFocusedCell();
        const node = focused && grid.api.getDisplayedRowAtIndex(focused.rowIndex);
        const value = node && node.data && node.data[focused.column.getColId()];
        if (value === null || value === undefined) return;
        toClipboard(String(value)).then((done) => grid.tell(done ? "Copied." : "The browser did not allow to copy."));
      }
    },
    async copied(message, buffers) {
      const done = await toClipboard(new TextDecoder().decode(buffers[0]));
      grid.tell(done ? message.text : "The browser did not allow to copy; save the rows as a file.");
    },
    async cell(message) {
      if (newCell(grid.model, root, message.code)) grid.tell(message.text);
      else grid.tell((await toClipboard(message.code)) ? `${message.text} Paste the copied line into a cell.` : message.text);
    },
  };
}

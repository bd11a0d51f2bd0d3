// Ticks: drawn at once, kept by the kernel.
function makeTicks(grid) {
  let anchor = null; // row of the last tick, where a range begins
  const headers = new Set();

  function tick(node, ranged) {
    if (!node || !node.data) return;
    const on = !node.data.ticked;
    if (ranged && anchor !== null && anchor !== node.rowIndex) {
      const [first, last] = [Math.min(anchor, node.rowIndex), Math.max(anchor, node.rowIndex)];
      grid.send({ type: "range", first, last, on });
      const inside = new Set();
      grid.api.forEachNode((other) => {
        if (other.data && other.rowIndex >= first && other.rowIndex <= last) inside.add(other.data.uri);
      });
      grid.repaint((data) => (inside.has(data.uri) ? { ticked: Number(on) } : null));
    } else {
      grid.send({ type: "tick", uri: node.data.uri, on });
      grid.repaint((data) => (data.uri === node.data.uri ? { ticked: Number(on) } : null));
    }
    anchor = node.rowIndex;
  }

  function tickAll() {
    const on = grid.countTicked < grid.count;
    grid.send({ type: "all", on });
    grid.countTicked = on ? grid.count : 0;
    grid.repaint(() => ({ ticked: Number(on) }));
  }

  function invert() {
    grid.send({ type: "invert" });
    grid.countTicked = grid.count - grid.countTicked;
    grid.repaint((data) => ({ ticked: 1 - data.ticked }));
  }

  class TickHeader {
    init() {
      this.gui = box(`Tick all ${grid.many} that match`);
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
      const checked = !grid.countTicked ? "false" : grid.countTicked < grid.count ? "mixed" : "true";
      this.gui.setAttribute("aria-checked", checked);
      const all = `${count(grid.count)} ${grid.many}`;
      this.gui.title = checked === "true" ? `Untick these ${all}` : `Tick all ${all} that match`;
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

  return {
    tick,
    invert,
    TickHeader,
    forgetAnchor() {
      anchor = null;
    },
    paintHeaders() {
      for (const header of headers) header.paint();
    },
  };
}

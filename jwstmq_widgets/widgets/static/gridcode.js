// Runs the code of a grid that carries none: another grid in the page has left it there, or else the kernel sends it.
const kept = (window.jwstmqGridCode ||= new Map());
const model = view.model;

function receive(message) {
  if (message.type !== "code") return;
  view.stopListening(model, "msg:custom", receive);
  if (!kept.has(name)) kept.set(name, (0, eval)(message.text));
  view.gridOptions.api.destroy();
  gridDiv.replaceChildren();
  const options = { rowModelType: "infinite" };
  view.gridOptions = options;
  kept.get(name)(view, options, gridDiv, root);
  new view.jwstmqGridClass(gridDiv, options);
}

if (kept.has(name)) {
  kept.get(name)(view, gridOptions, gridDiv, root);
} else if (model.comm_live) {
  gridOptions.rowModelType = "clientSide"; // an empty grid, which ipyaggrid builds now and which goes again
  view.listenTo(model, "msg:custom", receive);
  model.send({ type: "code" }, {});
} else {
  root.textContent = "The kernel that made this grid has gone. Run the cell again.";
}

/** Put code into a new cell below the one that shows a widget; false where this page is no notebook. */
function newCell(model, element, source) {
  const shared = model.widget_manager?.context?.model?.sharedModel;
  if (!shared?.insertCell) return false;
  const cell = element.closest("[data-windowed-list-index]");
  const place = cell ? Number(cell.dataset.windowedListIndex) + 1 : shared.cells.length;
  shared.insertCell(place, { cell_type: "code", source });
  return true;
}

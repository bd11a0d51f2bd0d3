// What every panel of ours uses in the browser: elements by a call, messages by their names.

/** Make an element. Texts become text nodes, never HTML: much of it comes from an archive. */
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Draw each view that the kernel sends, until the element goes; ask for the first one. */
function listen(model, draw) {
  const receive = (message, buffers) => {
    if (message && message.view) draw(message.view, buffers);
  };
  model.on("msg:custom", receive);
  model.send({ do: "ready" });
  return () => model.off("msg:custom", receive);
}

/** A sentence that says what went wrong and what to do next; nothing when there is none. */
function problemLine(text) {
  return h("div", { class: "jwstmq-problem", role: "alert", hidden: !text }, text || "");
}

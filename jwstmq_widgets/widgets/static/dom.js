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

/**
 * Begin a panel in an element, draw each view that the kernel sends until the element goes, and ask for the first one.
 * Other kinds of messages go to `receivers`, by name.
 */
function listen(model, el, draw, receivers = {}) {
  el.classList.add("jwstmq");
  // Lumino's shortcuts would cut cells while the keyboard is on a button or a checkbox of ours. The mark must stand on
  // the focused element itself: JupyterLab's selectors end with `:focus`, and match before parents are looked at.
  el.addEventListener("focusin", (event) => {
    event.target.dataset.lmSuppressShortcuts = "true";
  });
  el.addEventListener("keydown", (event) => {
    const context = model.widget_manager?.context;
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "s" || !context) return;
    event.preventDefault(); // held off with all other shortcuts: save the notebook as it would
    event.stopPropagation();
    context.save();
  });
  const trouble = problemLine();
  el.append(trouble);
  let quiet = setTimeout(() => say(trouble, "Waiting for the kernel. If it has gone, run the cell again."), 4000);
  const leave = () => {
    clearTimeout(quiet);
    trouble.classList.add("jwstmq-panel-gone");
    say(trouble, "The kernel that made this has gone. Run the cell again.");
    model.send = () => {};
  };
  const receive = (message, buffers) => {
    if (!message) return;
    clearTimeout(quiet);
    say(trouble, message.trouble);
    if (message.view) draw(message.view);
    for (const name of Object.keys(receivers)) {
      if (message[name]) receivers[name](message[name], buffers);
    }
  };
  model.on("msg:custom", receive);
  model.on("comm_live_update", leave);
  model.send({ do: "ready" });
  return () => {
    clearTimeout(quiet);
    model.off("msg:custom", receive);
    model.off("comm_live_update", leave);
  };
}

/** A place for a sentence that says what went wrong and what to do next; hidden while there is none. */
function problemLine() {
  return h("div", { class: "jwstmq-problem", role: "alert", hidden: true });
}

/** Put a sentence in its place, if it is another one than before. */
function say(place, text) {
  text = text ? text[0].toUpperCase() + text.slice(1) : "";
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
}

/** A bar, with `set(fraction)`; null for unknown. */
function progressBar(label) {
  const inner = h("div");
  const bar = h("div", { class: "jwstmq-bar", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, inner);
  bar.set = (fraction) => {
    const unknown = fraction === null || fraction === undefined;
    const percent = unknown ? null : Math.round(Math.min(Math.max(fraction, 0), 1) * 100);
    bar.classList.toggle("jwstmq-unknown", unknown);
    inner.style.width = unknown ? "" : `${percent}%`;
    if (unknown) bar.removeAttribute("aria-valuenow");
    else bar.setAttribute("aria-valuenow", percent);
  };
  return bar;
}

/** A file name that gives up its middle where room is short: its end tells the most (detector, suffix). */
function fileName(name) {
  const cut = Math.max(name.length - 24, name.length >> 1);
  return h("span", { class: "jwstmq-name", title: name }, h("span", {}, name.slice(0, cut)), h("span", {}, name.slice(cut)));
}

let ids = 0;

/** A name for an element that no other one in the page has. */
function newId() {
  ids += 1;
  return `jwstmq-${Date.now().toString(36)}-${ids}-${Math.random().toString(36).slice(2, 8)}`;
}

/** Call when some time (ms) has passed without another call; `stop()` takes a pending call back. */
function later(act, delay) {
  let timer;
  const call = () => {
    clearTimeout(timer);
    timer = setTimeout(act, delay);
  };
  call.stop = () => clearTimeout(timer);
  return call;
}

/** Let Enter in any field of a form submit it, which browsers do not do everywhere inside a notebook. */
function submitOnEnter(form) {
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

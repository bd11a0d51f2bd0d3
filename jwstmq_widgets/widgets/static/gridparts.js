// What all parts of a grid use: elements, delays, popups. The files of a grid are joined into one function, with the
// names `view`, `gridOptions`, `gridDiv` and `root` in reach. Texts of an archive only ever become textContent.
const TYPING = 200; // ms

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(text, title, act, className) {
  const made = element("button", className || "jwstmq-grid-button", text);
  made.type = "button";
  made.title = title;
  made.addEventListener("click", act);
  return made;
}

// Call when some time (ms) has passed without another call, if the grid is still there.
function later(grid, act, delay) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (grid.api) act();
    }, delay);
  };
}

function count(number) {
  return number.toLocaleString("en");
}

// A button that opens a panel below itself; `fill` draws the panel each time. Escape and a click elsewhere close it.
function popup(grid, text, title, fill) {
  const panel = element("div", "jwstmq-grid-popup");
  panel.hidden = true;
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", title);
  const opener = button(text, title, () => (panel.hidden ? open() : close(true)));
  opener.setAttribute("aria-haspopup", "dialog");
  opener.setAttribute("aria-expanded", "false");

  function open() {
    panel.replaceChildren();
    fill(panel, close);
    panel.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    const [frame, place] = [root.getBoundingClientRect(), opener.getBoundingClientRect()];
    panel.style.top = `${place.bottom - frame.top + 2}px`;
    panel.style.maxHeight = `${Math.max(frame.bottom - place.bottom - 8, 160)}px`;
    panel.style.left = `${Math.max(Math.min(place.left - frame.left, frame.width - panel.offsetWidth), 0)}px`;
    document.addEventListener("pointerdown", outside, true);
    panel.querySelector("button, input")?.focus();
  }
  function close(focus) {
    panel.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (focus) opener.focus();
  }
  function outside(event) {
    if (!panel.contains(event.target) && !opener.contains(event.target)) close(false);
  }
  panel.addEventListener("keydown", (event) => {
    const all = [...panel.querySelectorAll("button:not(:disabled), input")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      event.stopPropagation();
      close(true);
    } else if (step && all.length) {
      event.preventDefault();
      all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
    }
  });
  root.append(panel);
  grid.endings.push(() => document.removeEventListener("pointerdown", outside, true));
  return opener;
}

// Signs that turn the direction of writing, or that draw nothing, are shown by their names.
const HIDDEN_SIGNS = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
const SIGN_NAMES = {
  "\n": "↵", "\r": "↵", "\t": "⇥", "\u061c": "ALM", "\u200e": "LRM", "\u200f": "RLM", "\u202a": "LRE", "\u202b": "RLE",
  "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO", "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI",
};

function signName(sign) {
  return SIGN_NAMES[sign] || `U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function plain(text) {
  return text.replace(HIDDEN_SIGNS, (sign) => `⟨${signName(sign)}⟩`);
}

// Draw a text of an archive: the only way from there into an element.
function write(target, text) {
  let from = 0;
  for (const match of text.matchAll(HIDDEN_SIGNS)) {
    if (match.index > from) target.append(text.slice(from, match.index));
    target.append(element("span", "jwstmq-grid-hiddensign", signName(match[0])));
    from = match.index + match[0].length;
  }
  if (from < text.length) target.append(text.slice(from));
  return target;
}

function fieldList(fields) {
  const list = element("dl", "jwstmq-grid-fields");
  for (const [label, text] of fields) list.append(element("dt", "", label), write(element("dd"), text));
  return list;
}

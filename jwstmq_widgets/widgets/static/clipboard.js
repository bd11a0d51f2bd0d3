/** Put a text on the clipboard; false where the browser does not allow it. */
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // without TLS browsers have no clipboard for scripts, save this old way; the text lies where nobody sees it
    const focused = document.activeElement;
    const area = document.createElement("textarea");
    area.style.cssText = "left: -1000px; position: fixed; top: 0; width: 10px";
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return done;
  }
}

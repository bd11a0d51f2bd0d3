// Who is logged in: one word that unfolds to a place for a token.
function render({ model, el }) {
  el.classList.add("jwstmq-login");
  const bodyId = newId();
  const who = h("span", { class: "jwstmq-login-who" });
  const head = h("button", { type: "button", class: "jwstmq-plain", "aria-expanded": "false", "aria-controls": bodyId,
    onclick: () => unfold(body.hidden) }, who, h("span", { "aria-hidden": "true" }, "▾"));
  const token = h("input", { type: "password", id: newId(), autocomplete: "off", spellcheck: false,
    placeholder: "empty: MAST_API_TOKEN or keyring" });
  const enter = h("button", { type: "submit", class: "jwstmq-primary" }, "Log in");
  const problem = problemLine();
  const user = h("input", { type: "text", id: newId(), autocomplete: "off", spellcheck: false });
  const password = h("input", { type: "password", id: newId(), autocomplete: "off", spellcheck: false });
  const file = h("input", { type: "text", id: newId(), autocomplete: "off", spellcheck: false,
    placeholder: "two lines: user name, password" });
  const users = h("div", { class: "jwstmq-login-users", hidden: true },
    h("label", { htmlFor: user.id }, "User"), user,
    h("label", { htmlFor: password.id }, "Password"), password,
    h("label", { htmlFor: file.id }, "or file"), file);
  const tokenName = h("span", {}, "Token");
  const form = h("form", {}, users,
    h("label", { htmlFor: token.id }, tokenName),
    h("div", { class: "jwstmq-login-row" }, token, enter),
    h("div", { class: "jwstmq-muted" }, "Public data need no login. MAST gives tokens at ",
      h("span", { class: "jwstmq-login-where" }, "auth.mast.stsci.edu"),
      "; what you type is kept in this kernel's memory only."));
  const rights = h("div", { class: "jwstmq-muted" });
  let left = false;
  const leave = h("button", { type: "button", onclick: () => {
    left = true;
    model.send({ do: "logout" });
  } }, "Log out");
  const inside = h("div", { class: "jwstmq-login-inside" }, rights, leave);
  const body = h("div", { class: "jwstmq-login-body", id: bodyId, hidden: true }, form, inside, problem);
  let busy = false;

  function unfold(open) {
    body.hidden = !open;
    head.setAttribute("aria-expanded", String(open));
    if (open) (form.hidden ? leave : users.hidden ? token : user).focus();
  }
  submitOnEnter(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (busy) {
      model.send({ do: "cancel" });
      return;
    }
    const typed = { token: token.value };
    if (!users.hidden) Object.assign(typed, { user: user.value, password: password.value, file: file.value });
    token.value = password.value = "";
    model.send({ do: "login", ...typed });
  });
  el.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || body.hidden) return;
    event.stopPropagation();
    unfold(false);
    head.focus();
  });

  let before = null;
  el.append(head, body);
  return listen(model, el, (view) => {
    busy = view.running;
    who.textContent = view.running ? "logging in …" : view.anonymous ? "anonymous" : view.name;
    head.title = view.anonymous ? "Log in for exclusive data" : `Logged in to ${view.archive}`;
    form.hidden = !view.anonymous;
    inside.hidden = view.anonymous;
    users.hidden = !view.users;
    tokenName.textContent = view.users ? "MAST token, for exclusive files (optional)" : "Token";
    token.placeholder = view.users ? "" : "empty: MAST_API_TOKEN or keyring";
    rights.textContent = view.warning || (view.exclusive
      ? `${view.users ? "This login" : "This token"} may download exclusive files of its own programs.`
      : `${view.users ? "This login has no MAST token with" : "This token gives no"} access to exclusive files.`);
    leave.disabled = view.leaving;
    leave.textContent = view.leaving ? "Logging out …" : "Log out";
    enter.textContent = view.running ? "Cancel" : "Log in";
    enter.classList.toggle("jwstmq-primary", !view.running);
    say(problem, view.problem);
    if (view.problem && view.problem !== before?.problem) unfold(true);
    if (before && before.anonymous && !view.anonymous) {
      unfold(false);
      head.focus();
    }
    if (left && view.anonymous) {
      left = false;
      if (!body.hidden) unfold(true); // the button that had the focus is gone; Escape must still be heard
    }
    before = view;
  });
}

export default { render };

// Buttons [data-lines] add or remove a line: the form is sent as without a script, but only the lines are put in place again.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-lines]");
  if (!button) return;
  event.preventDefault();
  const form = button.form;
  const body = new FormData(form);
  body.append(button.name, button.value);
  const answer = await fetch(button.formAction, { method: "POST", body }).catch(() => null);
  if (!answer?.ok) return form.requestSubmit(button);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("lines");
  if (!fresh) return form.requestSubmit(button);
  document.getElementById("lines").replaceWith(fresh);
  if ("guard" in form.dataset) form.dataset.guard = "typed";
  fresh.dispatchEvent(new Event("input", { bubbles: true }));
  const inputs = fresh.querySelectorAll("tbody tr:last-child input");
  (button.name === "add_line" ? inputs[0] : fresh.querySelector("[name=add_line]"))?.focus();
});

// A refused row of an import is mended where it stands: Save sends it, the page is brought up to date around it, and the focus goes
// to the next cell to mend; what was typed in other rows stays. Without this the page loads anew.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-mend]");
  if (!form || form.dataset.busy) return;
  event.preventDefault();
  form.dataset.busy = "1";
  const said = new FormData(form, event.submitter), place = [...document.querySelectorAll("form[data-mend]")].indexOf(form);
  const answer = await fetch(form.action, { method: "POST", body: said }).catch(() => null);
  const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page?.querySelector("main");
  if (!fresh || (answer.ok && !fresh.querySelector("form[data-mend], .empty"))) return location.assign(answer?.url ?? location.href);
  const typed = [...cells()].filter((cell) => cell.form !== form && cell.value !== cell.defaultValue);
  document.querySelector("main").replaceChildren(...fresh.childNodes);
  for (const cell of cells()) {
    const kept = typed.find((one) => one.name === cell.name && one.getAttribute("form") === cell.getAttribute("form"));
    if (kept) cell.value = kept.value;
  }
  document.querySelector(".toast-container")?.replaceChildren(...page.querySelectorAll(".toast-container > *"));
  document.title = page.title;
  next(place)?.focus();
});

function cells() {
  return document.querySelectorAll("input[form][name^=cell-]");
}

function next(place) {
  const forms = [...document.querySelectorAll("form[data-mend]")];
  const invalid = (form) => document.querySelector(`input[form="${form?.id}"][aria-invalid]`);
  return document.querySelector("[autofocus]") ?? forms.slice(place).map(invalid).find(Boolean) ?? document.querySelector("main input[aria-invalid]");
}

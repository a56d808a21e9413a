// A cell of a list is edited where it stands: double click, or Enter or F2 on it. Enter saves, Escape leaves it as it was.
// The head of its column names the field (data-edit). Without this, the form of the record does the same.
const table = document.querySelector("table.cards");
const heads = [...(table?.tHead.rows[0].cells ?? [])].map((head) => head.dataset);
const wide = matchMedia("(min-width: 768px)");
const pencil = table?.querySelector("template")?.content.firstElementChild;
let at = null;       // the cell one can reach with Tab; arrows lead to the others
let open = null;     // { cell, form }
let opening = false;

const address = (cell) => cell.parentElement.querySelector("th a").href;
const editable = (cell) => wide.matches && cell?.parentElement?.parentElement === table.tBodies[0] && "edit" in heads[cell.cellIndex]
  && !("owned" in heads[cell.cellIndex] && "kept" in cell.parentElement.dataset);
const cells = (row) => [...(row?.cells ?? [])].filter(editable);

if (pencil && wide.matches) {
  for (const row of table.tBodies[0].rows) for (const cell of cells(row)) cell.tabIndex = -1;
  reach(cells(table.tBodies[0].rows[0])[0]);
  table.addEventListener("pointerover", (event) => offer(event.target.closest("td")));
  table.addEventListener("pointerleave", () => offer(editable(document.activeElement) ? document.activeElement : null));
  table.addEventListener("focusin", (event) => { if (editable(event.target)) { reach(event.target); offer(event.target); } });
  table.addEventListener("dblclick", (event) => start(event.target.closest("td")));
  table.addEventListener("keydown", pressed);
  table.addEventListener("submit", (event) => { if (!("whole" in (event.submitter?.dataset ?? {}))) send(event); });
  table.addEventListener("click", (event) => {
    if (!event.target.closest("a.pencil") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    start(event.target.closest("td"));
  });
}

function reach(cell) {
  if (at) at.tabIndex = -1;
  at = cell ?? null;
  if (at) at.tabIndex = 0;
}

function offer(cell) {
  if (!editable(cell) || open) return pencil.remove();
  pencil.href = `${address(cell)}/edit?at=${heads[cell.cellIndex].edit}`;
  if (pencil.parentElement !== cell) cell.append(pencil);
}

function pressed(event) {
  if (open?.cell.contains(event.target)) {
    if (event.key === "Escape") return leave();
    const picked = event.target.matches("select, input[type=checkbox], textarea") && !event.shiftKey;
    if (event.key === "Enter" && picked) { event.preventDefault(); open.form?.requestSubmit(); }
    return;
  }
  if (!editable(event.target)) return;
  if (event.key === "Enter" || event.key === "F2") { event.preventDefault(); return start(event.target); }
  const row = event.target.parentElement, place = cells(row).indexOf(event.target);
  const next = { ArrowLeft: cells(row)[place - 1], ArrowRight: cells(row)[place + 1],
    ArrowUp: row.previousElementSibling?.cells[event.target.cellIndex],
    ArrowDown: row.nextElementSibling?.cells[event.target.cellIndex] }[event.key];
  if (editable(next)) { event.preventDefault(); next.focus(); }
}

async function start(cell) {
  if (!editable(cell) || open?.cell === cell || opening) return;
  if (open?.form && changed(open.form)) return control(open.form).focus();
  leave();
  pencil.remove();
  opening = true;
  const page = await part(`${address(cell)}/cell/${heads[cell.cellIndex].edit}`);
  opening = false;
  const form = page?.querySelector(".cell-edit");
  if (!form) return location.assign(`${address(cell)}/edit?at=${heads[cell.cellIndex].edit}`);
  cell.append(form);
  cell.classList.add("editing");
  open = { cell, form: form.matches("form") ? form : null };
  if (!open.form) { cell.focus(); return; }
  control(form).focus();
  control(form).select?.();
}

function leave() {
  if (!open) return;
  const { cell } = open;
  open = null;
  cell.querySelector(".cell-edit").remove();
  cell.classList.remove("editing");
  cell.focus();
}

async function send(event) {
  event.preventDefault();
  const { cell, form } = open;
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  const page = await part(form.action, { method: "POST", body: new FormData(form) });
  delete form.dataset.busy;
  const fresh = page?.querySelector("tbody tr"), again = page?.querySelector("form.cell-edit");
  if (fresh) return put(cell, fresh, page.querySelectorAll(".toast"));
  if (!again) return say(form, page?.querySelector("h1")?.textContent ?? "The server does not answer. Try again.");
  form.replaceWith(again);
  open.form = again;
  control(again).focus();
}

function put(cell, fresh, toasts) {
  const row = cell.parentElement, place = cell.cellIndex, missing = row.cells.length - fresh.cells.length;
  open = null;
  for (const one of [...row.cells].slice(missing)) one.remove();
  row.append(...fresh.cells);
  for (const one of cells(row)) one.tabIndex = -1;
  row.cells[place].focus();
  document.querySelector(".toast-container").replaceChildren(...toasts);
  addUp();
}

// What the list comes to may have changed with the cell; where it was not added up, nothing is asked.
async function addUp() {
  if (!document.querySelector("#totals .a-sum")) return;
  const page = await part(location.href);
  if (page?.querySelector("table.cards")) document.getElementById("totals").replaceWith(page.getElementById("totals") ?? "");
}

function say(form, text) {
  const place = form.querySelector("[role=alert]") ?? form.appendChild(document.createElement("div"));
  place.className = "invalid-feedback d-block";
  place.setAttribute("role", "alert");
  place.textContent = text;
}

const control = (form) => form.querySelector("input:not([type=hidden]), select, textarea");

function changed(form) {
  const input = control(form);
  if (input.tagName === "SELECT") return [...input.options].some((option) => option.selected !== option.defaultSelected);
  return input.type === "checkbox" ? input.checked !== input.defaultChecked : input.value !== input.defaultValue;
}

async function part(url, options = {}) {
  const answer = await fetch(url, { ...options, headers: { "X-Fragment": "cell" } }).catch(() => null);
  return answer && new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Ticking rows of a list: the bar shows once something is ticked, says how many, and offers all that match once a page is whole.
const bar = document.getElementById("bulk");
const all = () => document.querySelector("[data-pick-all] input");     // a list that goes on by itself gets a new one
const rest = bar?.querySelector("[data-pick-rest]");
const everything = bar?.querySelector("[name=all]");
const ticks = () => [...document.querySelectorAll('input[form="bulk"][name="id"]')];
let last = null;

function tell() {
  const head = all();
  if (!head) return;
  const found = ticks();
  head.closest("label").hidden = false;
  const count = found.filter((tick) => tick.checked).length;
  const whole = count === found.length;
  if (!whole) everything.checked = false;
  head.checked = whole && count > 0;
  head.indeterminate = count > 0 && !whole;
  for (const tick of found) tick.closest("tr").classList.toggle("on", tick.checked);
  bar.hidden = count === 0;
  rest.hidden = !whole || !("more" in rest.dataset);
  bar.querySelector("[data-pick-count]").textContent = everything.checked ? everything.dataset.many : `${count} selected`;
}

function between(one, other) {
  const found = ticks();
  const [from, to] = [found.indexOf(one), found.indexOf(other)].sort((a, b) => a - b);
  return from < 0 ? [] : found.slice(from, to + 1);
}

if (bar && all()) {
  bar.querySelector("[data-pick-none]").hidden = false;
  document.addEventListener("click", (event) => {
    if (!event.target.matches('input[form="bulk"][name="id"]')) return;
    if (event.shiftKey && last) for (const tick of between(last, event.target)) tick.checked = event.target.checked;
    last = event.target;
    tell();
  });
  document.addEventListener("change", (event) => {
    if (event.target !== all()) return;
    for (const tick of ticks()) tick.checked = event.target.checked;
    tell();
  });
  document.addEventListener("fresh", tell);
  everything.addEventListener("change", tell);
  bar.addEventListener("reset", () => setTimeout(tell));
  addEventListener("pageshow", tell);
  tell();
}

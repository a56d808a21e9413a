// <div id="x" data-live="seconds">: while the server keeps sending the attribute, this part of the page is fetched anew.
// A button [data-hold="x"] holds it still, and so do marked words, ticked rows and a field one types in. What was opened, scrolled to
// or focused stays so: it is found again by its id, else by what it says and the folds it lies in.
const parts = document.querySelectorAll("[data-live][id]");
const KEPT = "details, summary, a[href], button, [tabindex], pre";

for (const part of parts) follow(part);

function follow(part) {
  const seconds = Math.max(1, Number(part.dataset.live) || 2);
  setTimeout(() => refresh(part), seconds * 1000);
}

async function refresh(part) {
  if (document.hidden || held(part)) return follow(part);
  try {
    const answer = await fetch(location.href, { headers: { "X-Fragment": part.id }, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (answer.ok && !fresh) return location.reload();   // the page has gone on to its next step
    if (!answer.ok || held(part)) return follow(part);
    replace(part, fresh);
    fresh.dispatchEvent(new Event("fresh", { bubbles: true }));
    if (fresh.dataset.live) follow(fresh);
  } catch {
    follow(part);
  }
}

function held(part) {
  const marked = getSelection();
  return document.querySelector(`[data-hold="${CSS.escape(part.id)}"][aria-pressed="true"]`) !== null ||
    (!marked.isCollapsed && marked.containsNode(part, true)) || part.querySelector("input:focus, select:focus, textarea:focus, td input:checked") !== null;
}

function replace(part, fresh) {
  const kept = [...named(part)].map(([name, one]) => ({ name, open: one.open, left: one.scrollLeft, top: one.scrollTop, focus: one === document.activeElement }));
  part.replaceWith(fresh);
  const found = named(fresh);
  for (const { name, open, left, top, focus } of kept) {
    const one = found.get(name);
    if (!one) continue;
    if (one.tagName === "DETAILS") one.open = open;
    if (left || top) one.scrollTo(left, top);
    if (focus) one.focus({ preventScroll: true });
  }
}

function named(part) {
  const found = new Map();
  for (const one of part.querySelectorAll(KEPT)) {
    const name = folds(one, part).map(said).join(" in ");
    let number = 1;
    while (found.has(`${name} ${number}`)) number++;
    found.set(`${name} ${number}`, one);
  }
  return found;
}

function folds(one, part) {
  const fold = one.parentElement.closest("details");
  return fold && part.contains(fold) ? [one, ...folds(fold, part)] : [one];
}

function said(one) {
  const words = one.tagName === "DETAILS" ? one.firstElementChild.textContent : one.getAttribute("href") ?? one.ariaLabel ?? one.textContent;
  return `${one.tagName} ${one.id || words.trim().slice(0, 200)}`;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-hold]");
  if (button) button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") === "true" ? "false" : "true");
});

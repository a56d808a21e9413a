// <div id="x" data-live="seconds">: while the server keeps sending the attribute, this part of the page is fetched anew.
// A button [data-hold="x"] holds it still.
const parts = document.querySelectorAll("[data-live][id]");

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
    if (!answer.ok) return follow(part);
    part.replaceWith(fresh);
    if (fresh.dataset.live) follow(fresh);
  } catch {
    follow(part);
  }
}

function held(part) {
  return document.querySelector(`[data-hold="${CSS.escape(part.id)}"][aria-pressed="true"]`) !== null;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-hold]");
  if (button) button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") === "true" ? "false" : "true");
});

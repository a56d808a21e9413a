// "Add filter" and chips open their form right here; without this they lead to a page with the same form.
document.addEventListener("click", async (event) => {
  const link = event.target.closest(".add-filter .menu-list a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const answer = await fetch(link.href).catch(() => null);
  const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  const form = page?.getElementById("filter-form");
  if (!form) return location.assign(link.href);
  const place = link.closest(".dropdown-menu");
  const list = place.querySelector(".menu-list");
  form.querySelector(".acts a").addEventListener("click", (leave) => {
    leave.preventDefault();
    form.remove();
    list.hidden = false;
    list.querySelector("a").focus();
  });
  list.hidden = true;
  place.append(form);
  form.querySelector("input:not([type=hidden]), select").focus();
});

document.addEventListener("toggle", (event) => {
  if (!event.target.matches?.(".add-filter") || event.target.open) return;
  event.target.querySelector("#filter-form")?.remove();
  event.target.querySelector(".menu-list").hidden = false;
}, true);

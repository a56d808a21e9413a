// Coming back from a record to its list: where one was in it, and which row was opened. Filters and page are in the address.
const table = document.querySelector("table.cards");
const here = location.pathname + location.search;
const came = URL.canParse(document.referrer) ? new URL(document.referrer) : null;

document.addEventListener("click", (event) => {
  const link = event.target.closest("tbody a[href]");
  const row = link?.closest("table.cards tr");
  if (row) sessionStorage.setItem("place", JSON.stringify({ here, y: scrollY, id: idOf(row) }));
});

const idOf = (row) => row.querySelector("th a")?.pathname;

function find() {
  const kept = JSON.parse(sessionStorage.getItem("place") ?? "null");
  const back = came?.origin === location.origin && came.pathname.startsWith(`${location.pathname}/`);
  const [how] = performance.getEntriesByType("navigation");
  if (kept?.here !== here || !(back || how?.type === "back_forward")) return;
  const row = [...table.tBodies[0].rows].find((one) => idOf(one) === kept.id);
  if (how?.type === "navigate") scrollTo({ top: kept.y, behavior: "instant" });
  row?.classList.add("at");
  row?.setAttribute("aria-current", "true");
  if (how?.type === "navigate") row?.scrollIntoView({ block: "nearest", behavior: "instant" });
}

if (table) find();

// On phones the rows of a list are shown as cards, and not every browser calls them rows any longer: say so here.
// In the page itself the words would be an eighth of its weight.
const narrow = matchMedia("(max-width: 767.98px)");

function tell() {
  if (!narrow.matches) return;
  for (const table of document.querySelectorAll("table.cards")) {
    table.role = "table";
    for (const part of [table.tHead, ...table.tBodies]) part.role = "rowgroup";
    for (const row of table.rows) {
      row.role = "row";
      for (const cell of row.cells) cell.role ??= cell.tagName === "TD" ? "cell" : cell.scope === "col" ? "columnheader" : "rowheader";
    }
  }
}

narrow.addEventListener("change", tell);
document.addEventListener("fresh", tell);   // a live part was replaced
tell();

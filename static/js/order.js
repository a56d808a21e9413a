// Columns of an export: what is ticked stands in a list of its own that can be put in order, by buttons or by dragging.
const root = document.querySelector("[data-order]");
const list = root?.querySelector("[data-order-list]");
const ticks = () => [...root.querySelectorAll('input[name="columns"]')];
const place = (tick) => root.querySelector(`input[name="place-${CSS.escape(tick.value)}"]`);
let dragged = null;

function chosen() {
  const at = (tick) => Number(place(tick).value) || 9999;
  return ticks().filter((tick) => tick.checked).sort((one, other) => at(one) - at(other));
}

function button(word, title, act, off) {
  const found = document.createElement("button");
  found.type = "button";
  found.className = "btn btn-quiet btn-sm";
  found.textContent = word;
  found.ariaLabel = title;
  found.disabled = off;
  found.addEventListener("click", act);
  return found;
}

function put(order, from, to) {
  order.splice(to, 0, ...order.splice(from, 1));
  number(order);
}

function number(order) {
  for (const tick of ticks()) place(tick).value = order.includes(tick) ? order.indexOf(tick) + 1 : "";
  draw();
}

function move(title, order, from, to) {
  put(order, from, to);
  const word = to < from ? "up" : "down";
  const found = [...list.querySelectorAll("button")].filter((one) => one.ariaLabel.endsWith(` ${title}`) || one.ariaLabel === `Move ${title} ${word}`);
  (found.find((one) => one.ariaLabel === `Move ${title} ${word}` && !one.disabled) ?? list.children[to].querySelector("button:enabled"))?.focus();
}

function entry(tick, at, order) {
  const item = document.createElement("li");
  const title = tick.dataset.title;
  const name = document.createElement("span");
  name.textContent = title;
  item.draggable = true;
  item.append(name,
    button("↑", `Move ${title} up`, () => move(title, order, at, at - 1), at === 0),
    button("↓", `Move ${title} down`, () => move(title, order, at, at + 1), at === order.length - 1));
  item.addEventListener("dragstart", () => { dragged = at; });
  item.addEventListener("dragover", (event) => event.preventDefault());
  item.addEventListener("drop", (event) => { event.preventDefault(); if (dragged !== null) put(order, dragged, at); dragged = null; });
  return item;
}

function draw() {
  const order = chosen();
  list.replaceChildren(...order.map((tick, at) => entry(tick, at, order)));
}

if (root) {
  list.hidden = false;
  root.querySelector("[data-order-off]").hidden = true;
  for (const tick of ticks()) {
    place(tick).hidden = true;
    tick.addEventListener("change", () => number(chosen()));
  }
  number(chosen());
}

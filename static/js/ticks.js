// <input data-ticks="id">: filling it in ticks the box that says it counts.
document.addEventListener("input", (event) => {
  const box = document.getElementById(event.target.dataset?.ticks ?? "");
  if (box) box.checked = true;
});

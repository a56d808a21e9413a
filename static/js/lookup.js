// Inputs with data-lookup="customers" are offered records while one types. Without this, the key is simply typed.
let waiting;

document.addEventListener("input", (event) => {
  const input = event.target.closest?.("input[data-lookup]");
  if (!input || input.value.length < 2) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => offer(input), 150);
});

async function offer(input) {
  const typed = input.value;
  const answer = await fetch(`/${input.dataset.lookup}/lookup?q=${encodeURIComponent(typed)}`).catch(() => null);
  if (!answer?.ok || input.value !== typed) return;
  const options = (await answer.json()).map(({ value, label }) => {
    const option = document.createElement("option");
    option.value = value;
    if (label !== value) option.label = `${label} · ${value}`;
    return option;
  });
  input.list?.replaceChildren(...options);
}

// A form [data-guard] holds its page: the browser asks before what was typed is left behind, but not once it is sent.
// data-guard="typed": it came back with what was typed. Links [data-discard] give it up by themselves.
let leaving = false;

function changed(input) {
  if (input.type === "hidden" || input.disabled || input.readOnly) return false;
  if (input.type === "checkbox" || input.type === "radio") return input.checked !== input.defaultChecked;
  if (input.tagName === "SELECT") return input.selectedIndex !== Math.max(0, [...input.options].findIndex((one) => one.defaultSelected));
  return input.matches("input, textarea") && input.value !== input.defaultValue;
}

const held = (form) => form.dataset.guard === "typed" || [...form.elements].some(changed);

function ask(event) {
  if (!leaving && [...document.querySelectorAll("form[data-guard]")].some(held)) event.preventDefault();
}

// A page with a listener for it cannot be kept for "back" by every browser: listen only once something is typed.
document.addEventListener("input", (event) => { if (event.target.closest("form[data-guard]")) addEventListener("beforeunload", ask); });
if (document.querySelector('form[data-guard="typed"]')) addEventListener("beforeunload", ask);

document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented && event.target.matches("[data-guard]")) leaving = true;
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("a[data-discard]") && !event.ctrlKey && !event.metaKey && !event.shiftKey) leaving = true;
});
addEventListener("pageshow", () => { leaving = false; });

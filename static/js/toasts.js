// A toast leaves by itself: after 6 seconds, or 30 if something can be done in it. Not while one points at it or is in it.
const place = document.querySelector(".toast-container");

function begin(toast) {
  const seconds = toast.querySelector("form") ? 30 : 6;
  let waiting;
  const wait = () => { waiting = setTimeout(() => toast.remove(), seconds * 1000); };
  const stay = () => clearTimeout(waiting);
  toast.addEventListener("pointerenter", stay);
  toast.addEventListener("focusin", stay);
  toast.addEventListener("pointerleave", wait);
  toast.addEventListener("focusout", wait);
  wait();
}

for (const toast of document.querySelectorAll(".toast.show")) begin(toast);
// So does one that another script puts there.
if (place) new MutationObserver((seen) => { for (const { addedNodes } of seen) for (const one of addedNodes) if (one.matches?.(".toast")) begin(one); })
  .observe(place, { childList: true });

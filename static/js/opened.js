// <div data-opened="/orders/7/opened" data-editing>: tell that this page is open, now and every five minutes while it is looked at.
const place = document.querySelector("[data-opened]");
const token = document.querySelector("input[name=csrf_token]");

if (place && token) {
  tell();
  setInterval(tell, 5 * 60 * 1000);
}

function tell() {
  if (document.hidden) return;
  const body = new URLSearchParams({ csrf_token: token.value });
  if ("editing" in place.dataset) body.set("editing", "1");
  fetch(place.dataset.opened, { method: "POST", body, keepalive: true }).catch(() => {});
}

// `data-once` on a form: while it is on its way, a second press does nothing and the button says it is busy.
export function bind(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.once === "sent") {
      event.preventDefault();
      return;
    }
    form.dataset.once = "sent";
    event.submitter?.setAttribute("aria-busy", "true");
  });
  // A page that comes back from the browser's cache is fresh again.
  addEventListener("pageshow", () => {
    form.dataset.once = "";
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });
}

// `data-undo="10"` on a form: count its seconds down in its button, and take the form away when they are over.
export function bind(form) {
  const button = form.querySelector("button");
  const left = document.createElement("span");
  left.setAttribute("aria-hidden", "true");
  button.append(left);
  const ends = Date.now() + Number(form.dataset.undo) * 1000;
  const timer = setInterval(tick, 250);
  tick();

  function tick() {
    const seconds = Math.ceil((ends - Date.now()) / 1000);
    left.textContent = `(${Math.max(seconds, 0)})`;
    if (seconds <= 0) {
      clearInterval(timer);
      form.hidden = true;
    }
  }
}

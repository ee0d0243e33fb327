// `data-counted='["Tick …", "Ask 1 person", …]'` on a form: its button says how many boxes of the name in
// `data-count-of` are ticked; other boxes of the form are no people.
export function bind(form) {
  const words = JSON.parse(form.dataset.counted || "[]");
  const button = form.querySelector("[data-count-label]");
  const label = button?.querySelector("span");
  if (!label || !words.length) return;

  const ticks = `input[type=checkbox][name="${form.dataset.countOf}"]:checked`;
  const count = () => {
    const ticked = form.querySelectorAll(ticks).length;
    button.disabled = ticked === 0;
    label.textContent = words[ticked];
  };
  form.addEventListener("change", count);
  // A browser that comes back keeps what was ticked.
  addEventListener("pageshow", count);
  count();
}

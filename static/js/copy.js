// `data-copy="text"` on a hidden button: show it, and copy the text when it is pressed.
const SAID_FOR_MILLISECONDS = 2000;

export function bind(button) {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  const label = button.querySelector("[data-copy-label]") ?? button;
  const before = label.textContent;
  label.textContent = button.dataset.copied;
  setTimeout(() => { label.textContent = before; }, SAID_FOR_MILLISECONDS);
}

// `data-print` on a hidden button: show it, and print the page when it is pressed.
export function bind(button) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// `data-forecast="url"` on a form: while somebody types, post it there and show the answer in `data-forecast-here`.
// Only the latest answer counts; without a connection the last one stays and the button still works. Why a field was
// refused is about what stood in it, and goes when something else is typed; what is wrong with that, the answer says.
const QUIET_MILLISECONDS = 350;

export function bind(form) {
  const place = form.querySelector("[data-forecast-here]");
  let timer, running;
  form.addEventListener("input", ({ target }) => { accept(target); soon(); });
  form.addEventListener("change", soon);
  soon();

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(ask, QUIET_MILLISECONDS);
  }

  function show(text) {
    place.innerHTML = text;
    form.querySelectorAll('.btn[formaction$="#foresight"]').forEach((button) => { button.hidden = true; });
  }

  function accept(field) {
    if (!field.classList.contains("is-invalid")) return;
    field.classList.remove("is-invalid");
    field.setAttribute("aria-invalid", "false");
    form.querySelectorAll(`[id^="${field.id}-error-"]`).forEach((error) => error.remove());
  }

  async function ask() {
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.dataset.forecast, {
        method: "POST", body: new FormData(form), headers: { "X-Part": "forecast" }, signal,
      });
      const text = await answer.text();
      if (answer.ok && !answer.redirected && !signal.aborted) show(text);
    } catch (error) {
      if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
    } finally {
      if (!signal.aborted) place.removeAttribute("aria-busy");
    }
  }
}

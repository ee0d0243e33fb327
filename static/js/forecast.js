// `data-forecast="url"` on a form: while somebody types, post it there and show the answer in `data-forecast-here`.
// Only the latest answer counts; without a connection the last one stays and the button still works.
const QUIET_MILLISECONDS = 350;

export function bind(form) {
  const place = form.querySelector("[data-forecast-here]");
  let timer, running;
  form.addEventListener("input", soon);
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

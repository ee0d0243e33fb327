// `data-follow` on a form: when a payment is ticked or unticked, fetch this page for what is ticked now and put its
// `data-follows` parts in place of ours. No sum is worked out here. Until the new parts have come the old ones can't
// be used, for they are about other ticks; without a connection they stay so, and the button does the same by hand.
import { bind as bindCopy } from "./copy.js";

const QUIET_MILLISECONDS = 120;
const PATIENCE_MILLISECONDS = 10_000;

export function bind(form) {
  const boxes = [...form.querySelectorAll("input[name=payment]")];
  const parts = [...form.querySelectorAll("[data-follows]")];
  const byHand = form.querySelector("[data-follow-by-hand]");
  const failed = form.querySelector("[data-follow-failed]");
  const names = (ticked) => boxes.filter(ticked).map((box) => box.value).join(" ");
  let shown = names((box) => box.defaultChecked);
  let timer, running;

  byHand.hidden = true;
  boxes.forEach((box) => box.addEventListener("change", follow));
  addEventListener("pageshow", follow); // a browser that comes back keeps what was ticked
  addEventListener("online", follow);
  follow();

  function follow() {
    clearTimeout(timer);
    running?.abort();
    const wanted = names((box) => box.checked);
    hold(wanted !== shown);
    if (wanted !== shown) timer = setTimeout(() => ask(wanted), QUIET_MILLISECONDS);
  }

  function hold(isStale) {
    parts.forEach((part) => {
      part.inert = isStale;
      part.setAttribute("aria-busy", isStale);
    });
    if (!isStale) tell(false);
  }

  function tell(hasFailed) {
    failed.hidden = !hasFailed;
    byHand.hidden = !hasFailed;
  }

  async function ask(wanted) {
    const mine = running = new AbortController();
    const patience = setTimeout(() => mine.abort(), PATIENCE_MILLISECONDS);
    try {
      const answer = await fetch(address(wanted), { signal: mine.signal });
      if (!answer.ok) throw new TypeError(answer.statusText);
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      shown = wanted;
      if (running === mine) hold(false);
    } catch (error) {
      if (!(error instanceof TypeError) && error.name !== "AbortError") throw error;
      if (running === mine) tell(true);
    } finally {
      clearTimeout(patience);
    }
  }

  function address(wanted) {
    const url = new URL(location.href);
    url.searchParams.delete("payment");
    wanted.split(" ").forEach((name) => url.searchParams.append("payment", name));
    return url;
  }

  function show(page) {
    const fresh = parts.map((part) => page.getElementById(part.id));
    if (!fresh.every(Boolean)) throw new TypeError("this page looks different now");
    parts.forEach((part, index) => {
      part.replaceChildren(...fresh[index].childNodes);
      part.querySelectorAll("[data-copy]").forEach(bindCopy);
    });
  }
}

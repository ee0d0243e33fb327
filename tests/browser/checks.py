"""What is asked of every page: nothing for axe to find, named controls, room for thumbs, no sideways scroll.

Each check returns what is wrong, in words that say where; an empty list is a good page.
"""

from __future__ import annotations

from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

THUMB: Final = 40
"""Pixels. WCAG 2.5.8 asks for 24 and leaves links within a line of text alone; so do we."""

CONTROLS: Final = {
    "button", "link", "textbox", "searchbox", "checkbox", "radio", "combobox", "listbox", "spinbutton",
    "slider", "switch", "DisclosureTriangle", "Date", "InputTime", "ColorWell",
}  # fmt: skip


def unfold(page: Page) -> None:
    """Open everything that is folded away, to look at that as well; not the menu, it covers the rest."""
    page.evaluate("() => document.querySelectorAll('main details').forEach(one => { one.open = true })")


def accessibility_faults(page: Page, *rules: str) -> list[str]:
    """Let axe-core look, at everything or only at these rules."""
    # It would fetch styles by itself, from wrong addresses: its own faults on the console, not the page's.
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{one['id']} ({one['help']}): {node['html'][:160]} {_causes(node)}"
        for one in found
        for node in one["nodes"]
    ]


def _causes(node: dict[str, Any]) -> str:
    return "; ".join(cause["message"] for kind in ("any", "all", "none") for cause in node[kind])


def nameless_controls(page: Page) -> list[str]:
    """Ask Chromium's accessibility tree for controls that a screen reader could not announce."""
    devtools = page.context.new_cdp_session(page)
    nodes = devtools.send("Accessibility.getFullAXTree")["nodes"]
    devtools.detach()
    return [
        f"no name: {node['role']['value']} {node.get('properties', [])}"
        for node in nodes
        if not node["ignored"]
        and node["role"]["value"] in CONTROLS
        and not node.get("name", {}).get("value", "").strip()
    ]


def small_controls(page: Page) -> list[str]:
    """List what is lower than a thumb needs; a box and its label are one target."""
    return [f"only {height:.0f} px high: {html}" for html, height in page.evaluate(SMALL, THUMB)]


def sideways_scroll(page: Page, width: int) -> list[str]:
    """Tell whether a page is wider than this window, and which elements stick out."""
    page.set_viewport_size({"width": width, "height": 800})
    needed = page.evaluate("() => document.documentElement.scrollWidth")
    return [f"{needed} px wide: {page.evaluate(STICKING_OUT, width)}"] if needed > width else []


SMALL: Final = """thumb => {
  const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const shown = element => element.checkVisibility({visibilityProperty: true, opacityProperty: true})
    && element.getBoundingClientRect().width > 1 && !element.closest("[aria-hidden=true]");
  const inLine = link => {
    if (getComputedStyle(link).display !== "inline") return false;
    let block = link.parentElement;
    while (getComputedStyle(block).display === "inline") block = block.parentElement;
    return block.textContent.trim() !== link.textContent.trim();
  };
  const height = control => {
    const isBox = control.matches("[type=checkbox], [type=radio]");
    const target = [control, ...(isBox ? control.labels : [])].filter(shown);
    const frames = target.map(part => part.getBoundingClientRect());
    return Math.max(...frames.map(one => one.bottom)) - Math.min(...frames.map(one => one.top));
  };
  return [...document.querySelectorAll(controls)]
    .filter(control => shown(control) && !inLine(control))
    .map(control => [control.outerHTML.slice(0, 160), height(control)])
    .filter(([_html, high]) => high < thumb - 0.5);
}"""

STICKING_OUT: Final = """width => {
  const isFramed = element => {
    for (let one = element.parentElement; one; one = one.parentElement)
      if (getComputedStyle(one).overflowX !== "visible") return true;
    return false;
  };
  return [...document.body.querySelectorAll("*")]
    .filter(element => element.getBoundingClientRect().right > width + 0.5 && !isFramed(element))
    .map(element => element.outerHTML.slice(0, 120)).slice(0, 5);
}"""

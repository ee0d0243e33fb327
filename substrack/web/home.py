"""Home: what needs the admin now."""

from __future__ import annotations

from flask import Blueprint

from substrack.web.access import signed_in
from substrack.web.pages import page

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@signed_in
def show() -> str:
    """Show what waits for a decision."""
    return page("web/home.html")

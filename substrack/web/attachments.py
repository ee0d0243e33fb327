"""Proofs, handed out to admins of the workspace they were sent to, one at a time.

What somebody sent is never trusted: its kind is one of ours or it is only saved, nothing in it may run or
load, and no cache keeps it. It shows no page and changes nothing.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response

from substrack.queries.proofs import load_stored_proof
from substrack.web.access import signed_in
from substrack.web.reading import reading
from substrack.web.sessions import me

blueprint = Blueprint("attachments", __name__, url_prefix="/attachments")

ENDINGS: Final = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}
SHOWN: Final = ("image/jpeg", "image/png")
"""Kinds a browser may show; it saves all others."""

HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    # By the HTML Standard nothing opens in a tab that is sandboxed and asks for a window group of its own;
    # Chromium shows it all the same, but need not be followed.
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


@blueprint.get("/<public_id>")
@signed_in
def show(public_id: str) -> Response:
    """Hand out one proof, under a name that says nothing."""
    proof = load_stored_proof(reading(), me().workspace_id, public_id)
    kind = proof.kind if proof.kind in ENDINGS else "application/octet-stream"
    response = Response(proof.content, content_type=kind, headers=HEADERS)
    response.headers.set(
        "Content-Disposition",
        "inline" if kind in SHOWN else "attachment",
        filename=f"proof-{proof.public_id}.{ENDINGS.get(kind, 'bin')}",
    )
    return response

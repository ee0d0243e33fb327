"""All that is known about a person as one file to hand out: JSON, and what they sent beside it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

DATA_FILE = "data.json"


def data_file(data: Mapping[str, Any]) -> str:
    """Write the data as JSON for people and programs."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def data_archive(data: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """Pack the data and the files that belong to it into a ZIP."""
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        archive.writestr(DATA_FILE, data_file(data))
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()

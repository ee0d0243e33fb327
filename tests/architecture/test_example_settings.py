"""`.env.example` is the reference of the settings; it must neither lack nor invent one."""

import re
from pathlib import Path

from attrs import fields_dict

from substrack.settings import FROM_FILES, PREFIX, Settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_the_example_names_every_setting_and_no_other() -> None:
    named = re.findall(r"^#([A-Z_]+)=", EXAMPLE.read_text("utf-8"), re.MULTILINE)

    known = {PREFIX + field.upper() for field in fields_dict(Settings)}
    from_files = {f"{PREFIX}{name}_FILE" for name in FROM_FILES}
    assert sorted(named) == sorted(known | from_files)


def test_the_example_changes_nothing_until_edited() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == []

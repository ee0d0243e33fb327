"""Claims about the mail server that stands in for the real one."""

from types import SimpleNamespace

from tests.fakes.smtp import FakeRelay


class Gone:
    """A TLS transport that closed before, as Python 3.11.2 leaves it."""

    def abort(self) -> None:
        raise AttributeError("'NoneType' object has no attribute '_abort'")


def test_hanging_up_passes_over_who_has_gone() -> None:
    with FakeRelay() as relay:
        relay._sessions.append(SimpleNamespace(transport=Gone(), _original_transport=None))
        relay.hang_up_on_everybody()

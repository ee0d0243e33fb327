"""The anticipated "no": what a rule refuses, told apart from what is broken.

Every refusal of the domain and the services is a subclass of `Refused` that lives beside the
function that raises it. This module holds only the roots. It knows no texts of pages or mails:
the edges translate by class and by the facts the error carries.
"""


class Refused(Exception):
    """A request the rules do not allow; `str(error)` is a clear sentence that says what to do.

    Subclasses keep the facts of the case as attributes. `field` names the form field or the
    command line flag the sentence is about (underscores, no dashes), or is None.
    """

    field: str | None = None

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        if field is not None:
            self.field = field


class NotFound(Refused):
    """The thing asked for is not there, or not for the one who asks; both get the same answer."""


class Conflict(Refused):
    """Somebody decided in the meantime; what the caller saw is no longer what is."""

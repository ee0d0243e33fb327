"""Claims about what a refused recipient means: only words about the address condemn it."""

import aiosmtplib
import pytest

from substrack.channels.smtp_errors import delivery_failure
from substrack.domain.delivery import Scope

REFUSALS = [
    (550, "5.1.1 no such user", Scope.ADDRESS),
    (550, "5.1.1 <ben@example.org>: user unknown in relay recipient table", Scope.ADDRESS),
    (550, "5.1.2 bad domain", Scope.ADDRESS),
    (553, "5.1.3 bad address", Scope.ADDRESS),
    (551, "5.1.6 moved", Scope.ADDRESS),
    (556, "5.1.10 the domain takes no mail", Scope.ADDRESS),
    (550, "5.2.1 mailbox disabled", Scope.ADDRESS),
    (550, "no such user", Scope.ADDRESS),
    (550, "<author@relay.example.org>: unknown user", Scope.ADDRESS),
    (551, "user not local", Scope.ADDRESS),
    (553, "mailbox name not allowed", Scope.ADDRESS),
    (550, "relay not permitted", Scope.LANE),
    (550, "SMTP AUTH is required for message submission on port 587", Scope.LANE),
    (550, "authentication required", Scope.LANE),
    (550, "not authorized", Scope.LANE),
    (550, "Sender verify failed", Scope.LANE),
    (550, "5.7.1 <ben@example.org>: Relay access denied", Scope.LANE),
    (554, "5.7.1 <ben@example.org>: Relay access denied", Scope.LANE),
    (550, "5.7.1 relaying denied", Scope.LANE),
    (553, "5.1.8 domain of sender address does not exist", Scope.LANE),
    (553, "5.7.1 sender address rejected: not owned by user olga", Scope.LANE),
    (554, "5.7.1 service unavailable; client host [192.0.2.1] blocked", Scope.LANE),
    (550, "5.7.1 looks like spam", Scope.MESSAGE),
    (550, "rejected for policy reasons", Scope.MESSAGE),
    (550, "this sender is blocked by the recipient", Scope.MESSAGE),
    (552, "5.2.2 mailbox full", Scope.MESSAGE),
    (554, "transaction failed", Scope.MESSAGE),
    (550, "5.4.1 recipient rejected: access denied", Scope.MESSAGE),
]


@pytest.mark.parametrize(("code", "text", "scope"), REFUSALS)
def test_only_words_about_the_address_condemn_it(code: int, text: str, scope: Scope) -> None:
    refused = aiosmtplib.SMTPRecipientRefused(code, text, "ben@example.org")
    failure = delivery_failure(aiosmtplib.SMTPRecipientsRefused([refused]))
    assert failure is not None
    assert (failure.scope, failure.permanent) == (scope, scope is not Scope.LANE)

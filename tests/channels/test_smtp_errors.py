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
    (552, "5.2.2 the account you tried to reach is over its daily quota", Scope.MESSAGE),
    (550, "5.4.5 Daily user sending limit exceeded", Scope.LANE),
    (550, "you have reached your hourly sending limit", Scope.LANE),
    (554, "Message rejected: Email address is not verified", Scope.LANE),
]


@pytest.mark.parametrize(("code", "text", "scope"), REFUSALS)
def test_only_words_about_the_address_condemn_it(code: int, text: str, scope: Scope) -> None:
    refused = aiosmtplib.SMTPRecipientRefused(code, text, "ben@example.org")
    failure = delivery_failure(aiosmtplib.SMTPRecipientsRefused([refused]))
    assert failure is not None
    assert (failure.scope, failure.permanent) == (scope, scope is not Scope.LANE)


@pytest.mark.parametrize(
    ("code", "text", "scope", "permanent"),
    [
        (554, "5.7.1 looks like spam", Scope.MESSAGE, True),
        (550, "5.1.1 no such user", Scope.MESSAGE, True),
        (451, "4.3.0 try again", Scope.MESSAGE, False),
        (550, "5.4.5 Daily user sending quota exceeded", Scope.LANE, False),
        (452, "4.3.1 sending rate exceeded, slow down", Scope.LANE, False),
        (554, "Message rejected: Email address is not verified", Scope.LANE, False),
        (550, "5.7.60 not authorized to send as this sender", Scope.LANE, False),
    ],
)
def test_what_concerns_everybody_may_be_said_after_the_text(
    code: int, text: str, scope: Scope, permanent: bool
) -> None:
    failure = delivery_failure(aiosmtplib.SMTPDataError(code, text))
    assert failure is not None
    assert (failure.scope, failure.permanent) == (scope, permanent)


@pytest.mark.parametrize("code", [-1, 0, 150, 251, 299, 354, 600, 999])
def test_an_answer_that_answers_nothing_condemns_nothing(code: int) -> None:
    refused = aiosmtplib.SMTPRecipientRefused(code, "what?", "ben@example.org")
    errors = (
        aiosmtplib.SMTPRecipientsRefused([refused]),
        aiosmtplib.SMTPDataError(code, "what?"),
        aiosmtplib.SMTPSenderRefused(code, "what?", "olga@example.org"),
    )
    assert {(failure.scope, failure.permanent) for failure in map(delivery_failure, errors) if failure} == {
        (Scope.LANE, False)
    }

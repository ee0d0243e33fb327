"""Claims about what the nginx example keeps from `serve`, under a path with TLS, and what it does not."""

from __future__ import annotations

import http.client

import pytest
from werkzeug.test import encode_multipart

from substrack.services.proofs import MAX_BYTES
from tests.deploy.front import TOKEN, Front, sign_in
from tests.deploy.programs import waited_until
from tests.deploy.visitors import Reply
from tests.web.support import PASSWORD

MIB = 1024 * 1024


def _send_proof(front: Front, size: int) -> Reply:
    proof = b"%PDF-1.4\n".ljust(size - 6, b"\n") + b"%%EOF\n"
    theo = front.household.members[2]
    owed = front.household.cast.payment_of(theo).public_id
    boundary, body = encode_multipart({"act": "claim", "payment": owed})
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="proof"; filename="a.pdf"\r\n\r\n'
    whole = file.encode() + proof + b"\r\n" + body.lstrip()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return front.visitor().ask(front.page_of(2), method="POST", body=whole, headers=kind)


def test_a_forged_address_changes_nothing(front: Front) -> None:
    guesser, neighbour = front.visitor("127.0.0.7"), front.visitor("127.0.0.8")
    guesses = [
        sign_in(guesser, f"nobody{turn}@example.org", "wrong", X_Forwarded_For=f"203.0.113.{turn}")
        for turn in range(11)
    ]
    blamed = {"X_Forwarded_For": "127.0.0.7", "X_Real_IP": "127.0.0.7", "Forwarded": "for=127.0.0.7"}
    other = sign_in(neighbour, "nobody@example.org", "wrong", **blamed)

    assert [guess.status for guess in guesses] == [422] * 10 + [429]
    assert other.status == 422


def test_a_forged_host_changes_nothing(front: Front) -> None:
    visitor = front.visitor("127.0.0.6")
    forged = {"X_Forwarded_Host": "zed.example", "X_Forwarded_Prefix": "/zed", "X_Forwarded_Proto": "http"}
    from_elsewhere = sign_in(visitor, "olga@example.org", PASSWORD, Origin="https://zed.example", **forged)
    ours = sign_in(visitor, "olga@example.org", PASSWORD, **forged)

    assert from_elsewhere.status == 403  # a form of zed's does not become ours by a header
    assert ours.status == 303
    assert "zed" not in ours.headers["Location"]
    assert all(cookie["secure"] for cookie in visitor.cookies.values())


@pytest.mark.parametrize(
    ("size", "status", "words"),
    [
        (MAX_BYTES + 1, 422, "send a picture or PDF of up to 10 MB"),
        (MAX_BYTES + MIB, 413, "A picture or PDF may have up to 10 MB"),  # said by SubsTrack
        (MAX_BYTES + 3 * MIB, 413, "A picture or PDF may have up to 10 MB"),  # said by nginx
    ],
)
def test_a_file_that_is_too_large_is_refused_in_clear_words(
    front: Front, size: int, status: int, words: str
) -> None:
    answer = _send_proof(front, size)

    assert answer.status == status
    assert words in answer.text


def test_the_largest_file_gets_through(front: Front) -> None:
    answer = _send_proof(front, MAX_BYTES)
    assert answer.status == 303, answer.page.words


@pytest.mark.parametrize("name", ["readyz", "metrics"])
def test_what_is_for_machines_is_not_public(front: Front, name: str) -> None:
    visitor, host = front.visitor(), front.base_url.removesuffix("/subs")
    spellings = (
        f"/subs/{name}", f"/subs//{name}", f"//subs/{name}", f"/subs/%{ord(name[0]):02x}{name[1:]}",
        f"/subs/static/../{name}", f"/subs/./{name}", f"/subs/{name}?x=1", f"/subs/{name}/", f"/{name}",
        f"/subs/subs/{name}",
    )  # fmt: skip

    assert {visitor.ask(host + spelling, headers=TOKEN).status for spelling in spellings} == {404}
    line = http.client.HTTPConnection("127.0.0.1", front.ports.behind[0])
    line.request("GET", f"/subs/{name}", headers=TOKEN)
    assert line.getresponse().status == 200  # it is there, for who asks on the machine
    line.close()
    assert visitor.ask("/healthz").status == 200


def test_the_log_of_nginx_opens_no_page(front: Front) -> None:
    link = front.page_of(1)
    answer = front.visitor().ask(f"{link}?language=de", headers={"X-Request-ID": "a-word-of-zeds"})
    token = link.rpartition("/")[2]
    log = front.directory / "substrack.log"
    named = f"{answer.headers['X-Request-ID']}\n"  # by which the program's lines are found
    waited_until(lambda: named in log.read_text())

    assert token not in log.read_text()
    assert "/subs/pay/..." in next(line for line in log.read_text().splitlines(True) if line.endswith(named))


def test_who_guesses_fast_is_stopped_before_the_door(front: Front) -> None:
    guesser, answers = front.visitor("127.0.0.9"), list[Reply]()

    def is_stopped() -> bool:
        answers.append(sign_in(guesser, "nobody@example.org", ""))
        return "Wait a minute" in answers[-1].text

    waited_until(is_stopped)

    assert len(answers) > 20
    assert answers[-1].status == 429
    assert guesser.ask("/sign-in").status == 200  # looking is free

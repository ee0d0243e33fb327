"""The ways in and out: our own address, the mail server, Telegram. Nothing is sent to anybody."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from substrack.bootstrap import DatabaseTrouble, fingerprint_of, secret_keys
from substrack.channels.email import EmailChannel
from substrack.channels.own_address import AddressFails, AddressFault, fetch_own_proof
from substrack.channels.smtp_faults import SmtpFault, fault_of
from substrack.channels.smtp_server import SmtpServer
from substrack.channels.telegram_account import TelegramAccount
from substrack.channels.telegram_updates import TelegramUpdates, WebhookState
from substrack.doctor.patient import Patient
from substrack.doctor.verdicts import Verdict, ok, unknown, warning, wrong
from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.domain.errors import Refused
from substrack.domain.key_history import KeyHistory
from substrack.queries.soundness import bot_connections, find_key_history
from substrack.services.sealing import Sealer
from substrack.settings import KEY_FILE, WrongSetting

MANY_UPDATES: Final = 100
TROUBLED: Final = timedelta(hours=1)
"""An older trouble is over: Telegram tries again all the time."""

ADDRESS_ADVICE: Final[Mapping[AddressFault, str]] = {
    AddressFault.UNKNOWN_HOST: "Enter that name in the DNS, or correct SUBSTRACK_BASE_URL.",
    AddressFault.CERTIFICATE: "Let the proxy have a valid certificate for that name (Caddy and certbot do).",
    AddressFault.SILENT: "Look at the firewall and the router; some lead nobody inside back to themselves.",
    AddressFault.NOBODY_THERE: "Start `serve` or `web`, and the proxy in front of it.",
    AddressFault.SOMETHING_ELSE: "Let the proxy lead that address, with its path, to SubsTrack.",
}

MAIL_ADVICE: Final[Mapping[SmtpFault, str]] = {
    SmtpFault.UNKNOWN_HOST: "Correct the server's name in SUBSTRACK_SMTP_URL.",
    SmtpFault.NOBODY_THERE: "Correct name and port in SUBSTRACK_SMTP_URL: 587 for smtp://, 465 for smtps://.",
    SmtpFault.SILENT: "Look whether a firewall or your provider blocks that port; use 587 or 465, not 25.",
    SmtpFault.CERTIFICATE: "Use the name the server's certificate is for in SUBSTRACK_SMTP_URL.",
    SmtpFault.NO_TLS: "Use smtps:// with port 465, or smtp:// with 587 where the server offers STARTTLS.",
    SmtpFault.LOGIN: "Correct user and password; many providers want a password made for programs.",
    SmtpFault.NO_LOGIN: "With TLS are 465 (smtps://) and, where STARTTLS is offered, 587 (smtp://).",
    SmtpFault.NO_PASSWORD: "Or leave `user@` out, where the server wants no login.",
    SmtpFault.SENDER: "Set SUBSTRACK_MAIL_FROM to an address this server lets you send from.",
    SmtpFault.OTHER: "Ask whoever runs the mail server what that answer means.",
}


def address(patient: Patient) -> Verdict:
    """Ask who is at the address that links begin with, and say who else can open them.

    Only who holds our keys can say what we ask for; without keys of ours it is just a SubsTrack.
    """
    chosen = patient.settings
    url = chosen.base_url
    sealer, challenge = _our_sealer(patient), secrets.token_hex(16)
    try:
        proof = fetch_own_proof(url, challenge, seconds=patient.outside.seconds)
    except AddressFails as fails:
        return wrong(f"{url} does not lead here: {fails}.", ADDRESS_ADVICE[fails.fault])
    if sealer and not sealer.is_answer(challenge, proof):
        return wrong(
            f"A SubsTrack answers at {url} that does not know our keys: another, or one of an older start.",
            "Let that address lead here, or start again what answers there, with the same keys.",
        )
    who = "A SubsTrack with our keys" if sealer else "A SubsTrack"
    if chosen.base_url_is_private:
        where = "this machine" if chosen.base_url_is_loopback else "your own network"
        return warning(
            f"{who} answers at {url}, and only {where} can open it.",
            "Set SUBSTRACK_BASE_URL to an address that members' phones reach.",
        )
    if not chosen.is_https:
        return wrong(
            f"{url} is not https: links that act for people travel readable.",
            "Put a proxy with TLS in front, and let SUBSTRACK_BASE_URL begin with https://.",
        )
    return ok(
        f"{who} answers at {url}, seen from here; whether it does outside, only a phone without your network "
        "tells."
    )


def _our_sealer(patient: Patient) -> Sealer | None:
    """Give what proves that somebody holds our keys; None where they are told to be wrong elsewhere."""
    chosen = patient.settings
    if not chosen.secret_keys and not (chosen.data_dir / KEY_FILE).exists():
        return None
    try:
        keys = secret_keys(chosen)
    except WrongSetting:
        return None
    kept = _key_history(patient)
    return None if kept and kept.newest not in map(fingerprint_of, keys) else Sealer(keys)


def _key_history(patient: Patient) -> KeyHistory | None:
    if patient.is_missing:
        return None
    try:
        with patient.reading() as session:
            return find_key_history(session)
    except (DatabaseTrouble, SQLAlchemyError):
        return None  # told by the check of the database


def mail(patient: Patient) -> Verdict:
    """Talk to the mail server up to the point where a mail would begin."""
    chosen = patient.settings
    if not chosen.smtp_url:
        return warning(
            "No mail server is set, so mail is only kept.", "Set SUBSTRACK_SMTP_URL, and SUBSTRACK_MAIL_FROM."
        )
    password = chosen.smtp_password.get_secret_value() if chosen.smtp_password else None
    try:
        server = SmtpServer.from_url(chosen.smtp_url, password)
        is_encrypted = asyncio.run(_try_out(server, patient))
    except Refused as refused:
        return wrong("SUBSTRACK_SMTP_URL names no mail server.", str(refused))
    except DeliveryFailed as failure:
        reason = f"{failure.reason[:1].upper()}{failure.reason[1:]}"
        return wrong(f"{reason}.".replace("..", "."), MAIL_ADVICE[fault_of(failure)])
    login = "and its login" if server.user else "without a login"
    if not (is_encrypted or server.is_loopback):
        return warning(
            f"{server.host} takes mail {login}, unencrypted (insecure=1).", "Ask its owner for TLS."
        )
    return ok(
        f"{server.host} takes mail from {chosen.mail_from} {login}, {_tls(is_encrypted)}; nothing was sent."
    )


def _tls(is_encrypted: bool) -> str:
    return "over TLS" if is_encrypted else "on this machine"


async def _try_out(server: SmtpServer, patient: Patient) -> bool:
    channel = EmailChannel(
        server,
        connections=1,
        timeout_seconds=patient.outside.seconds,
        tls_context=patient.outside.tls_context,
    )
    try:
        async with asyncio.timeout(2 * patient.outside.seconds):
            return await channel.try_out(patient.settings.mail_from)
    except TimeoutError as error:
        raise DeliveryFailed("the mail server is too slow", scope=Scope.LANE) from error


def telegram(patient: Patient) -> Verdict:
    """Ask Telegram who our bot is."""
    if patient.settings.telegram_token is None:
        return unknown("No bot is set (SUBSTRACK_TELEGRAM_TOKEN).")
    try:
        name = asyncio.run(_ask_name(_account(patient)))
    except Refused as refused:
        return wrong("The bot's settings can't be used.", str(refused))
    except DeliveryFailed as failure:
        return wrong(f"{failure.reason}.", _telegram_advice(failure))
    return ok(f"Telegram knows our bot as @{name}.")


def webhook(patient: Patient) -> Verdict:
    """Ask Telegram where it pushes updates to, and whether that works."""
    if patient.settings.telegram_token is None:
        return unknown("No bot is set (SUBSTRACK_TELEGRAM_TOKEN).")
    with patient.reading() as session:
        ours = {f"{patient.settings.base_url}/telegram/{key}" for key in bot_connections(session)}
    try:
        state = asyncio.run(_ask_webhook(_account(patient)))
    except (Refused, DeliveryFailed):
        return unknown("Telegram does not tell.", "See the check of Telegram here.")
    return _judge(state, ours, wants_webhook=patient.settings.telegram_webhook, patient=patient)


def _judge(state: WebhookState, ours: set[str], *, wants_webhook: bool, patient: Patient) -> Verdict:
    host = urlsplit(state.url).hostname or ""
    if not wants_webhook and state.url:
        return wrong(
            f"Telegram pushes what people press to {host}, while we wait to fetch it.",
            "Start the worker, which takes that away, or set SUBSTRACK_TELEGRAM_WEBHOOK=on.",
        )
    if wants_webhook and state.url not in ours:
        where = f"to another address, at {host}" if host else "nowhere"
        return wrong(
            f"Telegram pushes what people press {where}.",
            "Start the worker, which registers ours; if it comes back, another program uses this bot.",
        )
    if state.last_error and state.last_error_at and patient.now - state.last_error_at < TROUBLED:
        return wrong(
            f"Telegram can't push to us: {state.last_error}.",
            "See the check of the address here; Telegram wants https on port 443, 80, 88 or 8443.",
        )
    if state.pending > MANY_UPDATES:
        return warning(f"{state.pending} updates wait at Telegram.", "Look whether the worker runs.")
    return ok(
        "Telegram pushes to us, without trouble."
        if wants_webhook
        else "None is set, and updates are fetched."
    )


def _telegram_advice(failure: DeliveryFailed) -> str:
    if failure.permanent:
        return "Ask BotFather for the token (/token), and set SUBSTRACK_TELEGRAM_TOKEN."
    return "Look whether this machine reaches SUBSTRACK_TELEGRAM_API_URL (api.telegram.org, port 443)."


def _account(patient: Patient) -> TelegramAccount:
    logging.getLogger("telegram").setLevel(logging.CRITICAL)  # what fails is said in a sentence
    token = patient.settings.telegram_token
    return TelegramAccount.from_settings(
        token.get_secret_value() if token else "", patient.settings.telegram_api_url
    )


async def _ask_name(account: TelegramAccount) -> str:
    updates = TelegramUpdates(account, poll_seconds=0)
    try:
        return await updates.username()
    finally:
        await updates.close()


async def _ask_webhook(account: TelegramAccount) -> WebhookState:
    updates = TelegramUpdates(account, poll_seconds=0)
    try:
        return await updates.webhook()
    finally:
        await updates.close()

"""nginx and certificates; without nginx tests are skipped aloud, or fail where it is required."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.deploy.certificates import Certificate, make_certificate
from tests.deploy.front import Front, fronted
from tests.deploy.nginx import find_nginx
from tests.support.databases import Databases

REQUIRED = "SUBSTRACK_REQUIRE_NGINX"


@pytest.fixture(scope="session")
def nginx_program() -> str:
    """Give the path of nginx."""
    path = find_nginx()
    if path is None:
        missing = f"no nginx (on Debian: apt-get install nginx); {REQUIRED}=1 makes this a failure"
        (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(missing)
    return path


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Give a certificate for localhost."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="package")
def front(
    databases: Databases,
    nginx_program: str,
    certificate: Certificate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    """Give the house behind nginx; tests that spoil an address for others take one of their own."""
    with fronted(databases, nginx_program, certificate, tmp_path_factory.mktemp("front")) as front:
        yield front

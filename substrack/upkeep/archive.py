"""The file of a backup: a ZIP of one file of JSON lines for each table, and the manifest.

ZIP because anybody can open it with what is there already, and because each part has a checksum of its own.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from substrack.upkeep.manifest import NAME, Manifest, NotABackup, TableEntry, read_manifest
from substrack.upkeep.shapes import Shape
from substrack.upkeep.sums import LineSums, Sums
from substrack.upkeep.tally import Rows, Tally


def write_table(archive: ZipFile, shape: Shape, batches: Iterable[Rows]) -> TableEntry:
    """Write the rows of one table, a line each."""
    tally, entry = Tally(), TableEntry(shape, 0, "")
    with archive.open(_plain(entry.file), "w", force_zip64=True) as file:
        for rows in batches:
            file.write(tally.count(rows))
    return TableEntry(shape, tally.rows, tally.sha256)


def write_manifest(archive: ZipFile, manifest: Manifest) -> None:
    """Write the manifest, as the last part: a backup that was cut off has none."""
    archive.writestr(_plain(NAME), manifest.to_json())


@contextmanager
def reading(path: Path) -> Iterator[tuple[ZipFile, Manifest]]:
    """Open a backup.

    Raises:
        NotABackup: there is no such file, it is cut off or damaged, or it is something else.
    """
    try:
        with _open(path) as archive:
            yield archive, _read_manifest(archive, path)
    except (BadZipFile, zlib.error, EOFError):
        raise NotABackup(f"{path} is damaged, cut off or no backup at all. Use another one.") from None


def read_rows(archive: ZipFile, entry: TableEntry, sums: Sums) -> Iterator[list[Any]]:
    """Read the rows of one table; their money is added to `sums`.

    Raises:
        NotABackup: at the end, if they are not those that were written.
    """
    count, digest, adding = 0, sha256(), LineSums(sums, entry.shape)
    with archive.open(entry.file) as file:
        for line in file:
            digest.update(line)
            row = json.loads(line)
            adding.add(row)
            count += 1
            yield row
    if (count, digest.hexdigest()) != (entry.rows, entry.sha256):
        raise NotABackup(f"The backup is damaged: {entry.shape.table} does not hold what was written.")


def verify(path: Path, *, check: Callable[[], None] = lambda: None) -> Manifest:
    """Read a whole backup and compare it with its manifest: rows, checksums and ledger sums.

    `check` is called between tables; what it raises ends the reading.

    Raises:
        NotABackup.
    """
    with reading(path) as (archive, manifest):
        sums: Sums = {}
        for entry in manifest.tables:
            check()
            for _row in read_rows(archive, entry, sums):
                pass
        check_sums(manifest, sums)
    return manifest


def check_sums(manifest: Manifest, sums: Sums) -> None:
    """Compare ledger sums with those that the database added up when the backup was made.

    Raises:
        NotABackup: they differ.
    """
    if sums != manifest.ledger:
        raise NotABackup("The backup is damaged: its amounts do not add up to those of its manifest.")


def file_sha256(path: Path) -> str:
    """Work out the checksum of the whole file, to compare copies by."""
    with path.open("rb") as file:
        return _digest(file)


def _open(path: Path) -> ZipFile:
    try:
        return ZipFile(path)
    except FileNotFoundError:
        raise NotABackup(f"There is no file {path}.") from None
    except OSError as error:
        raise NotABackup(f"{path} can't be read: {error.strerror}.") from None


def _read_manifest(archive: ZipFile, path: Path) -> Manifest:
    if NAME not in archive.namelist():
        raise NotABackup(f"{path} is no backup of SubsTrack: it has no {NAME}.")
    return read_manifest(archive.read(NAME))


def _digest(file: IO[bytes]) -> str:
    digest = sha256()
    while part := file.read(1 << 20):
        digest.update(part)
    return digest.hexdigest()


def _plain(name: str) -> ZipInfo:
    """Name a part without a time, so that the same data are the same bytes."""
    info = ZipInfo(name)
    info.compress_type = ZIP_DEFLATED
    return info

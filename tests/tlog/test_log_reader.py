"""A reader takes no more than a file can have, follows nobody, and knows partial tiles."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from log_scene import open_scene, signer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from serving import serve, stop_all
from tallystick.core.tlog import http_source, tiles, verify
from tallystick.core.tlog.errors import Unreadable
from tallystick.core.tlog.http_source import HttpSource
from tallystick.core.tlog.note import NOTE_BYTES_MAX
from tallystick.core.tlog.reader import LogReader, Missing, open_source
from tallystick.core.tlog.verify import Asked
from tallystick.web.log_files import LogFiles


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    stop_all()


def answering(make: Response) -> HttpSource:
    app = Starlette(routes=[Route("/{path:path}", lambda request: make)])
    return HttpSource(str(serve(app).base_url))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Response(b"x" * (NOTE_BYTES_MAX + 1)), Unreadable),
        (
            Response(gzip.compress(bytes(10**7)), headers={"Content-Encoding": "gzip"}),
            Unreadable,
        ),
        (Response(status_code=500), Unreadable),
        (Response(status_code=404), Missing),
        (RedirectResponse("http://127.0.0.1:9/checkpoint"), Unreadable),
    ],
    ids=["long", "bomb", "broken", "missing", "elsewhere"],
)
def test_what_a_server_may_not_do(reply: Response, kind: type[Unreadable]) -> None:
    source = answering(reply)
    with pytest.raises(kind):
        LogReader(source, 1).checkpoint()
    source.close()


def test_a_gzipped_bundle_is_read_unasked(tmp_path: Path) -> None:
    packed = gzip.compress(tiles.bundle([b"one", b"two"]))
    source = answering(Response(packed, headers={"Content-Encoding": "gzip"}))
    assert LogReader(source, 2).bundle(0, 2) == [b"one", b"two"]
    source.close()


def test_an_older_checkpoint_finds_the_full_tile_where_its_partial_one_was(tmp_path: Path) -> None:
    scene = open_scene(tmp_path)
    scene.grow(200)
    scene.publish()
    old = (scene.folder / "checkpoint").read_bytes()
    scene.grow(100)
    scene.publish()
    assert not (scene.folder / "tile" / "0" / "000.p").exists()
    (scene.folder / "checkpoint").write_bytes(old)
    asked: list[str] = []
    files = LogFiles(scene.folder)

    async def noting(scope: object, receive: object, send: object) -> None:
        asked.append(Request(scope).url.path)  # type: ignore[arg-type]
        await files(scope, receive, send)  # type: ignore[arg-type]

    source = HttpSource(str(serve(noting).base_url))
    report = verify.verify(source, Asked(key=signer().key), scene.clock.now())
    assert report.exit_code == 0 and report.checkpoint["size"] == 200
    assert "/tile/0/000.p/200" in asked and "/tile/0/000" in asked
    source.close()
    scene.store.close()


def test_a_wrong_length_is_not_read(tmp_path: Path) -> None:
    source = answering(Response(bytes(33)))
    with pytest.raises(Unreadable, match="33 bytes"):
        LogReader(source, 2).tile(0, 0, 2)
    source.close()


def test_only_folders_and_http() -> None:
    for where in ("ftp://x", "/nowhere/at/all"):
        with pytest.raises(Unreadable):
            open_source(where)
    assert http_source.TRIES > 1

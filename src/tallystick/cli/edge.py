"""``tallystick edge``: run the process inside a kiosk."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("kiosk"),
    show_default=True,
    help="The folder of the machine's key, pairing and journal.",
)
@click.option("--validator", required=True, help="Serial port of the bill validator (ID003).")
@click.option("--printer", default="", help="escpos:PORT or virtual:FOLDER.")
@click.option("--scanner", default="", help="Serial port of the QR scanner.")
@click.option("--camera", default="", help="v4l2:/dev/videoN or virtual:FILE-or-FOLDER.")
@click.option("--pair", default="", help="The text of the pairing code, the first time.")
@click.option("--server", default="", help="The server's address, if it has moved.")
@click.option("--screen-port", type=int, default=0, help="0 takes a free one.")
@click.option("--hands", default="", help="Control socket of the device simulator; demo only.")
@click.option("--currency", default="USD", show_default=True)
@click.option(
    "--reading-percent",
    type=click.IntRange(0, 200),
    default=100,
    show_default=True,
    help="How much of a warning's reading time must pass before Go on wakes.",
)
@click.option(
    "--screen-mm",
    type=click.IntRange(0, 3_000),
    default=0,
    help="Width of the built-in screen's picture, in millimetres.",
)
@click.option("--headphones", default="", help="Event node of the headphone jack.")
@click.option(
    "--speech-volume",
    type=click.IntRange(10, 100),
    default=60,
    show_default=True,
    help="Percent of the loudspeaker's level at which speech measures 65 dBA.",
)
@click.option(
    "--try-camera",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take one picture, write it here, and end.",
)
@click.option("--new-key", is_flag=True, help="Change the machine's key first.")
@click.option("--ready-file", type=click.Path(path_type=Path))
def edge(
    ready_file: Path | None,
    new_key: bool,
    try_camera: Path | None,
    data: Path,
    **given: str | int,
) -> None:
    """Run the process inside a kiosk: devices, journal, and the screen on loopback."""
    from tallystick.core.clock import SystemClock
    from tallystick.edge import main, pairing
    from tallystick.edge.errors import ScreenTooSmall
    from tallystick.edge.settings import Settings

    if try_camera is not None:
        _try(str(given["camera"]), try_camera)
        return
    if new_key:
        click.echo(f"new key {pairing.rotate(data, SystemClock())}", err=True)

    try:
        main.run(Settings(data=data, **given), ready_file)  # type: ignore[arg-type]
    except ScreenTooSmall as error:
        raise click.BadParameter(str(error), param_hint="--screen-mm") from error


def _try(name: str, file: Path) -> None:
    """Take one picture with a camera, for whoever mounts it."""
    from tallystick.core.clock import SystemClock
    from tallystick.core.errors import TallystickError
    from tallystick.devices.camera import open_camera

    try:
        camera = open_camera(name, SystemClock())
        if camera is None:
            raise click.BadParameter("say which: v4l2:/dev/videoN", param_hint="--camera")
        picture = camera.take()
    except TallystickError as error:
        raise click.ClickException(f"{error} ({error.code})") from error
    file.write_bytes(picture.jpeg)
    click.echo(f"{file}: {picture.width} by {picture.height}, {len(picture.jpeg):,} bytes")

"""``tallystick whatif``: simulate what is claimed about a scheme, calibrate, show the figures."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import msgspec

from tallystick.core.errors import TallystickError

PORT = 8460
SEED = 20_261_128


@click.group()
def whatif() -> None:
    """Test claims about schemes on an open, calibrated model; every unknown is shown."""


def _fail(error: TallystickError) -> click.ClickException:
    return click.ClickException(f"{error} (error {type(error).code})")


def _set(scenario: Any, pairs: Iterable[str]) -> Any:
    for pair in pairs:
        name, _, value = pair.partition("=")
        try:
            number = float(value)
        except ValueError as error:
            raise click.BadParameter(f"{pair!r} is not NAME=NUMBER") from error
        whole = name in ("months", "runs", "seed", "grant_rates")
        try:
            scenario = scenario.having(**{name: int(number) if whole else number})
        except TypeError as error:
            raise click.BadParameter(f"there is nothing called {name!r} to set") from error
    return scenario


def _ranges(given: Iterable[str]) -> dict[str, tuple[float, float]]:
    found = {}
    for text in given:
        name, _, ends = text.partition("=")
        low, _, high = ends.partition(":")
        try:
            found[name] = (float(low), float(high))
        except ValueError as error:
            raise click.BadParameter(f"{text!r} is not NAME=LOW:HIGH") from error
    return found


@whatif.command()
@click.option("--scenario", "name", default="seed", help="A name, or a TOML file.")
@click.option("--set", "pairs", multiple=True, help="NAME=NUMBER, such as hub_places=2500.")
@click.option("--range", "ranges", multiple=True, help="NAME=LOW:HIGH, of what is assumed.")
@click.option("--unverified", is_flag=True, help="Let in figures that nobody verified.")
@click.option("--question", "questions", multiple=True, help="Only this one; all if left out.")
@click.option("--runs", type=click.IntRange(50, 100_000), help="How many runs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write a PDF.")
@click.option("--page", is_flag=True, help="Serve the page on which anyone moves the sliders.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the page.")
@click.option("--port", default=PORT, show_default=True, help="Port of the page; 0 for any.")
@click.option("--ray", default="", help="Run on a Ray cluster: its address, or local.")
@click.option("--ready-file", type=click.Path(path_type=Path), hidden=True)
@click.option("--quiet", is_flag=True, help="Say nothing of the progress.")
def hubs(
    name: str,
    pairs: tuple[str, ...],
    ranges: tuple[str, ...],
    unverified: bool,
    questions: tuple[str, ...],
    runs: int | None,
    as_json: bool,
    report: Path | None,
    page: bool,
    host: str,
    port: int,
    ray: str,
    ready_file: Path | None,
    quiet: bool,
) -> None:
    """Answer what a return hub would do: from Channel arrivals to costs, with intervals."""
    from tallystick.whatif import answers, run, scenario

    run.CLUSTER.set(ray)
    try:
        asked = _set(scenario.named(name), pairs)
        asked = asked.having(ranges=dict(asked.ranges) | _ranges(ranges))
        asked = asked.having(unverified=unverified or asked.unverified)
        asked = asked.having(runs=runs) if runs else asked
        if page:
            from tallystick.web.whatif.server import serve

            serve(asked, host, port, ready_file)
            return
        say = None if quiet else lambda what: click.echo(f"whatif: {what}", err=True)
        found = answers.answer(asked, questions, say)
        if report:
            from tallystick.whatif.report import write

            write(report, found)
            click.echo(f"wrote {report}", err=True)
    except TallystickError as error:
        raise _fail(error) from error
    if as_json:
        click.echo(
            msgspec.json.format(msgspec.json.encode(answers.as_json(found)), indent=1).decode()
        )
    elif not report:
        click.echo(answers.as_text(found))


@whatif.command()
@click.option(
    "--draws",
    type=click.IntRange(1_000, 100_000_000),
    default=1_000_000,
    show_default=True,
    help="Draws for each window.",
)
@click.option("--kept", type=click.IntRange(50, 100_000), default=1_000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=SEED, show_default=True)
@click.option(
    "--window", "names", multiple=True, type=click.Choice(["now", "check"]), help="Only this one."
)
@click.option("--save", is_flag=True, help="Keep the posterior in the package.")
@click.option(
    "--docs",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the report with its pictures into this folder.",
)
@click.option("--smc", is_flag=True, help="Also by pyABC's sequential Monte Carlo, for the report.")
@click.option("--report-only", is_flag=True, help="Only write the report from what is kept.")
def calibrate(draws: int, kept: int, seed: int, names: tuple[str, ...], save: bool,
              docs: Path | None, smc: bool, report_only: bool) -> None:  # fmt: skip
    """Fit the model to what was published, check it, and write the report."""
    from tallystick.whatif import calibrate as fitting
    from tallystick.whatif import posterior, windows

    command = "tallystick whatif calibrate --save"
    try:
        for name in () if report_only else names or tuple(windows.WINDOWS):
            window = windows.WINDOWS[name]
            found = fitting.fit(window, seed, draws, kept, progress=_progress(name))
            click.echo("", err=True)
            made = {"command": command, "draws": draws, "kept": kept, "seed": seed}
            made |= {"window": name, "first": window.first, "last": window.last}
            for parameter, share in fitting.narrowed(found).items():
                click.echo(f"{name:6} {parameter:20} {share:6.2f} of its range is left")
            if save:
                path = posterior.path_of(name)
                path.write_text(posterior.text_of(made, fitting.stored(found)), "utf-8")
                click.echo(f"wrote {path}", err=True)
        if docs:
            from tallystick.whatif import calibration_report

            calibration_report.write(docs, seed if smc else None)
            click.echo(f"wrote {docs}", err=True)
    except TallystickError as error:
        raise _fail(error) from error


def _progress(name: str) -> Any:
    def say(done: int, draws: int) -> None:
        if sys.stderr.isatty() or done == draws:
            click.echo(f"\r{name}: {done:,} of {draws:,} draws", err=True, nl=False)

    return say


@whatif.command(name="figures")
@click.option("--unverified", is_flag=True, help="Only what nobody verified.")
def show_figures(unverified: bool) -> None:
    """List every figure that the model stands on, with its mark and where it was read."""
    from tallystick.whatif import figures, parameters

    known, tables = figures.published()
    for one in known.values():
        if not (unverified and one.verified):
            value = ", ".join(f"{part:,.10g}" for part in one.value)
            click.echo(f"[{one.mark}] {one.say}: {value} {one.unit}\n      {one.source}")
    for table in tables.values():
        if not unverified:
            click.echo(f"[{table.mark}] {table.say}\n      {table.source}")
    for item in parameters.ALL:
        if not (unverified and item.mark != "M"):
            click.echo(
                f"[{item.mark}] {item.name} ({item.kind.value}): {item.say}, "
                f"{item.low:g} to {item.high:g} {item.unit}\n      {item.source}"
            )

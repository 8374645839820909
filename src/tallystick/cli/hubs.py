"""``tallystick hubs``: return hubs, their law, cases, dates, places and published figures.

The group alone; what is in it has a file each, and is named at the end.
"""

from __future__ import annotations

import click


@click.group()
def hubs() -> None:
    """Return hubs: ask the law, keep cases, reckon dates, publish figures."""


def _register() -> None:
    from tallystick.cli import hubs_are, hubs_cases, hubs_place, hubs_serve, hubs_statistics

    for command in (hubs_are.are_date, hubs_are.stages, hubs_place.place):
        hubs.add_command(command)
    for command in (hubs_cases.gates, hubs_cases.adopt, hubs_cases.replay, hubs_cases.order):
        hubs.add_command(command)
    for command in (hubs_serve.serve, hubs_cases.check, hubs_cases.again):
        hubs.add_command(command)
    for group in (hubs_cases.case, hubs_cases.agreement, hubs_statistics.statistics):
        hubs.add_command(group)


_register()

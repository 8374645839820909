"""Travel documents: each step with its evidence, durations as they were, nothing presumed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from case_scene import Scene

from tallystick.hubs import documents, record
from tallystick.hubs.documents import NEXT, Paper
from tallystick.hubs.errors import CaseIncomplete, NotYours, PaperStep


@pytest.fixture
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("papers"))
    yield made
    made.store.close()


def test_an_application_goes_step_by_step_and_its_days_are_counted(scene: Scene) -> None:
    one = scene.open()

    def step(paper: str, to: Paper) -> None:
        scene.step(
            lambda tx: documents.step(tx, scene.desk, one, paper, to, "a letter", scene.worker)
        )

    paper = scene.step(
        lambda tx: documents.begin(tx, scene.desk, one, "XS", "the form", scene.worker)
    )
    scene.wait(3)
    step(paper, Paper.SENT)
    with pytest.raises(PaperStep):
        step(paper, Paper.LOST)
    scene.wait(11)
    step(paper, Paper.ISSUED)
    found = scene.read(lambda tx: documents.listed(tx, scene.desk, record.find(tx, one)))
    assert documents.durations_days(found[0]["steps"]) == {"begun": 3, "sent": 11}
    table = scene.read(lambda tx: documents.by_country(tx, scene.desk, [record.find(tx, one)]))
    assert table == {"XS": {"applications": 1, "issued": 1, "median_days": 14}}
    with pytest.raises(PaperStep):
        step("nothing", Paper.SENT)


def test_a_loss_needs_evidence_like_any_other_fact(scene: Scene) -> None:
    one = scene.open()
    paper = scene.step(
        lambda tx: documents.begin(tx, scene.desk, one, "XS", "the form", scene.worker)
    )
    with pytest.raises(CaseIncomplete):
        scene.step(
            lambda tx: documents.step(tx, scene.desk, one, paper, Paper.LOST, " ", scene.worker)
        )
    with pytest.raises(CaseIncomplete):
        scene.step(lambda tx: documents.begin(tx, scene.desk, one, "Sam", "x", scene.worker))
    with pytest.raises(NotYours):
        by = scene.staff["official"]
        scene.step(lambda tx: documents.begin(tx, scene.desk, one, "XS", "x", by))


def test_every_state_of_a_paper_is_reached_and_left() -> None:
    assert set(NEXT) == set(Paper)
    assert {state for to in NEXT.values() for state in to} == set(Paper) - {Paper.BEGUN}

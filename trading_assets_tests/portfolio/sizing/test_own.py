"""Sizings of the user's own: a file in the folder that the settings name, which costs only itself if it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import own_work
from trading_assets.desk.settings import Settings
from trading_assets.portfolio.books import BookError, books
from trading_assets.portfolio.schemas import json_schemas
from trading_assets.portfolio.sizing import shipped_sizings, sizings

GOOD = """\
from typing import Literal

from trading_assets.portfolio.sizing import Sizing


class Halves(Sizing):
    kind: Literal["{kind}"] = "{kind}"
    names: int = 2

    def weights(self, inputs):
        return inputs.scores.select("rebalance", "symbol").with_columns(weight=0.5 / self.names)
"""
BOOKS = "mine: {strategy: ml_alpha, capital: 1, sizing: {kind: halves, names: 4}}\n"


def desk_with(folder: Path, **files: str) -> Desk:
    (folder / "own" / "sizings").mkdir(parents=True)
    for name, text in files.items():
        (folder / "own" / "sizings" / f"{name}.py").write_text(text)
    (folder / "books.yaml").write_text(BOOKS)
    return Desk(Settings(home=folder / "lake", own=folder / "own", books=folder / "books.yaml"))


def test_a_book_can_name_a_sizing_of_one_s_own(tmp_path: Path) -> None:
    desk = desk_with(tmp_path, halves=GOOD.format(kind="halves"))
    sizing = desk.part(books)["mine"].sizing
    assert (sizing.kind, sizing.model_dump()["names"]) == ("halves", 4)
    assert list(desk.part(sizings)) == [*shipped_sizings(), "halves"]
    schema = json_schemas(desk.part(sizings))["books.schema.json"]
    assert "halves" in schema["additionalProperties"]["properties"]["sizing"]["anyOf"][0]["enum"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("HALF = 0.5", "defines no sizing"),
        (GOOD.format(kind="rank_long_short"), "there is a sizing 'rank_long_short' already; choose another name"),
        (GOOD.replace('Literal["{kind}"]', "str"), "the kind of Halves is not one name; annotate it as a Literal"),
    ],
)
def test_a_file_that_cannot_be_used_costs_only_itself(tmp_path: Path, text: str, fault: str) -> None:
    desk = desk_with(tmp_path, halves=GOOD.format(kind="halves"), worse=text)
    assert list(desk.part(sizings)) == [*shipped_sizings(), "halves"]
    assert desk.part(books)["mine"].sizing.kind == "halves"
    [found] = desk.part(own_work).faults
    assert found.file.name == "worse.py"
    assert fault in found.message


def test_a_desk_whose_only_book_names_a_sizing_of_a_broken_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"books\.yaml: no book is left; trading-assets check says what is wrong"):
        desk_with(tmp_path, halves="1 / 0").part(books)

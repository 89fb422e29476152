"""Pages that are written from data are up to date, and what they name is there."""

from __future__ import annotations

import pytest

from kubeinstall.cli.plan import CHANGES
from kubeinstall.findings import Kind
from tests import pages
from tests.running import REPO

pytestmark = pytest.mark.unit

NAMED = sorted({test for rows in pages.attempts().values() for row in rows for test in row.tests})
PAGE = "<!-- begin a (by b) -->\nold\n<!-- end a -->\nother\n"


@pytest.mark.parametrize("page", pages.PAGES)
def test_a_page_is_what_its_data_make(page: str) -> None:
    """``python -m tests.pages`` writes it."""
    assert (REPO / page).read_text(encoding="utf-8") == pages.PAGES[page]()


def test_only_what_is_between_the_comments_is_written() -> None:
    made = pages.filled(PAGE, {"a": "new\n"})
    assert made == "<!-- begin a (by b) -->\n\nnew\n\n<!-- end a -->\nother\n"
    assert pages.filled(made, {"a": "new\n"}) == made


@pytest.mark.parametrize("made", [{}, {"b": ""}, {"a": "", "b": ""}], ids=list)
def test_a_page_without_a_block_or_with_an_unknown_one_is_refused(made: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="has the blocks"):
        pages.filled(PAGE, made)


def test_every_exit_code_has_a_meaning() -> None:
    assert set(pages.EXIT_CODES) == {0, CHANGES, *Kind}


def test_every_attempt_of_the_security_page_names_a_test() -> None:
    rows = [row for rows in pages.attempts().values() for row in rows]
    assert len(rows) > 30
    assert [row for row in rows if not row.tests] == []


@pytest.mark.parametrize("test", NAMED)
def test_a_test_that_the_security_page_names_exists(test: str) -> None:
    assert pages.is_a_test(test)

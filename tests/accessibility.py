"""What axe says of a page, and only what is wrong with it.

axe lists everything that is right too: to gather that, and to bring it out of the browser, takes
longer than the checks themselves. Its script is put in once for each document, and a colour that
is on its way to another is waited for.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT

__all__ = ["violations"]

THERE = "() => 'axe' in window"
RUN = """async (only) => {
  const ends = (one) => one.effect.getComputedTiming().endTime < 5000;
  await Promise.allSettled(document.getAnimations().filter(ends).map((one) => one.finished));
  const options = only ? {runOnly: only} : {};
  const found = await axe.run(document, {...options, resultTypes: ["violations"]});
  const seen = (one) => one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join("; ");
  return {checked: found.passes.length, wrong: found.violations.map((v) => `${v.id}: ${seen(v)}`)};
}"""


def violations(page: Any, *only: str) -> list[str]:
    """Return each rule that the page breaks, with its first places; of these tags or rules only."""
    if not page.evaluate(THERE):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(RUN, list(only) or None)
    assert found["checked"], "a page of which axe found nothing to check was not checked"
    return [str(one) for one in found["wrong"]]

"""Links lead somewhere, the roadmap names what is there, and the critique is a presentation: a slide a heading, each fits."""

import re
import shlex
import subprocess
import zipfile

import pytest

from common.cli import parser
from common.extra_packages import extra
from common.settings import ROOT

TEXT = (ROOT / "docs" / "critique.md").read_text(encoding="utf-8")
TITLES = re.findall(r"^## (.+)$", TEXT, re.M)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.search(r"pandoc docs/critique\.md -o \S+", TEXT)


def anchors(file):
    """What a heading of a Markdown file is called in a link, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading_of_it(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        name, _, heading = link.partition("#")
        file = page.parent / name if name else page
        if not link.startswith("https://"):
            assert file.is_file(), link
            assert not heading or heading in anchors(file), link


def test_the_roadmap_names_files_and_commands_that_there_are():
    text = (ROOT / "docs" / "roadmap.md").read_text(encoding="utf-8").partition("|---|---|\n")[2]
    known = next(a for a in parser()._actions if a.dest == "command").choices
    for row in text.splitlines():
        named = re.findall(r"`([^`]+)`", row.split("|")[2])
        assert named, row
        for name in named:
            if command := re.match(r"\./submit\.sh (\S+)", name):
                assert command[1] in known, name
            elif "/" in name and "." not in name.partition("/")[0]:
                assert list(ROOT.glob(name.rstrip("/"))), name


def test_every_slide_is_a_title_and_a_few_points():
    head, *slides = re.split(r"^## .+\n", TEXT, flags=re.M)
    assert re.match(r"---\ntitle: .+\n", head) and len(slides) == len(TITLES) > 5
    for title, slide in zip(TITLES, slides, strict=True):
        points = re.findall(r"^(?:- |\d\. )", slide, re.M)
        assert 1 <= len(points) <= 6 and len(slide) <= 800, title
        assert not re.search(r"^(#|\||```)", slide, re.M), f"{title}: a slide has points alone"


def test_the_command_in_it_makes_the_slides(tmp_path):
    pypandoc = extra("pypandoc", ROOT / "tests" / "requirements.txt", next="./submit.sh test again")
    _, *arguments, name = shlex.split(COMMAND[0])
    subprocess.run([pypandoc.get_pandoc_path(), *arguments, tmp_path / name], cwd=ROOT, check=True)
    with zipfile.ZipFile(tmp_path / name) as made:
        slides = [made.read(part).decode() for part in made.namelist() if re.fullmatch(r"ppt/slides/slide\d+\.xml", part)]
    shown = {re.search(r"<a:t>(.*?)</a:t>", slide)[1] for slide in slides}
    assert shown == {re.search(r"^title: (.+)$", TEXT, re.M)[1], *TITLES}

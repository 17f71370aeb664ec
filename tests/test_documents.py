"""The critique is a presentation, too: one slide a heading, and each fits."""

import re
import shlex
import shutil
import subprocess
import zipfile

import pytest

from common.settings import ROOT

TEXT = (ROOT / "docs" / "critique.md").read_text(encoding="utf-8")
TITLES = re.findall(r"^## (.+)$", TEXT, re.M)
COMMAND = re.search(r"pandoc docs/critique\.md -o \S+", TEXT)


def test_every_slide_is_a_title_and_a_few_points():
    head, *slides = re.split(r"^## .+\n", TEXT, flags=re.M)
    assert re.match(r"---\ntitle: .+\n", head) and len(slides) == len(TITLES) > 5
    for title, slide in zip(TITLES, slides, strict=True):
        points = re.findall(r"^(?:- |\d\. )", slide, re.M)
        assert 1 <= len(points) <= 6 and len(slide) <= 800, title
        assert not re.search(r"^(#|\||```)", slide, re.M), f"{title}: a slide has points alone"


def test_the_command_in_it_makes_the_slides(tmp_path):
    if not shutil.which("pandoc"):
        pytest.skip("pandoc is not on this machine: apt-get install pandoc")
    *command, name = shlex.split(COMMAND[0])
    subprocess.run([*command, tmp_path / name], cwd=ROOT, check=True)
    with zipfile.ZipFile(tmp_path / name) as made:
        slides = [made.read(part).decode() for part in made.namelist() if re.fullmatch(r"ppt/slides/slide\d+\.xml", part)]
    shown = {re.search(r"<a:t>(.*?)</a:t>", slide)[1] for slide in slides}
    assert shown == {re.search(r"^title: (.+)$", TEXT, re.M)[1], *TITLES}

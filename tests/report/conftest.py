"""One browser for the tests of the report; a page is a tab of its own."""

import pytest
from chromium import program
from devtools import Browser


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """The running browser."""
    path, environment = program()
    started = Browser(path, tmp_path_factory.mktemp("browser"), environment)
    yield started
    started.close()


@pytest.fixture
def tab(browser):
    """A new tab, of a desktop's size in light colours."""
    page = browser.page()
    page.look()
    return page

import pytest

from calando.report import build
from tests.report import studies


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A finished study of five schedules with diverged, failed, overfitting and healthy runs."""
    return studies.write(tmp_path_factory.mktemp("study") / "digits-study")


@pytest.fixture(scope="session")
def page(study):
    return build(study)

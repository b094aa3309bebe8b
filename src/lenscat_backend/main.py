"""The application as other servers start it: ``uvicorn lenscat_backend.main:app``, configured by the environment."""

from lenscat_backend.application import check_exposure, make_application
from lenscat_backend.settings import load_settings

_settings = load_settings()
check_exposure(_settings)
app = make_application(_settings)

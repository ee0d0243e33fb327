"""The web process for a WSGI server: `gunicorn --threads 8 wsgi:app`. The worker is a process of its own."""

import sys

from substrack.bootstrap import make_runtime
from substrack.logs import start_logging
from substrack.settings import WrongSetting, load_settings
from substrack.web.app import create_app

APP_LOAD_ERROR = 4
"""By this exit status gunicorn ends as a whole; any other has it start the process again, for ever."""

try:
    settings = load_settings()
    start_logging(settings)
    app = create_app(make_runtime(settings).for_pages())
except WrongSetting as error:
    print(error, file=sys.stderr)
    sys.exit(APP_LOAD_ERROR)

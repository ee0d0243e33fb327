"""What every process of an experiment needs: imported once, by the process they are all forked from."""

import psycopg  # noqa: F401
import waitress.server  # noqa: F401

import substrack.web.app
import substrack.worker.running  # noqa: F401
import tests.chaos.crew
import tests.chaos.crews
import tests.chaos.relay
import tests.chaos.schedulers
import tests.chaos.whole.program  # noqa: F401

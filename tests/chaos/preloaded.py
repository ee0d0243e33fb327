"""What every process of an experiment needs: imported once, by the process they are all forked from."""

import psycopg  # noqa: F401

import substrack.worker.running  # noqa: F401
import tests.chaos.crew
import tests.chaos.crews
import tests.chaos.relay
import tests.chaos.schedulers  # noqa: F401
